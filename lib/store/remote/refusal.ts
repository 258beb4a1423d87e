/** What an answer of a status that is no success means. */
import { isRetryStatus, parseRetryAfter } from "../../client/retry.ts";
import { StatusError } from "../../client/status_error.ts";
import { codeOfStatus, FerryError, quote } from "../../core/errors.ts";

/** The longest part of what a server says that is shown, UTF-16 units. */
const SHOWN_CHARS = 500;

/** What `response` of the server `label` means, with the `detail` of its problem (RFC 9457), empty for none. */
export function refusalOf({ status, headers }: Response, label: string, detail: string): FerryError {
  if (status >= 300 && status < 400) {
    return new FerryError(
      "http_status",
      `${label} answers ${status}, a redirect: name the server that it leads to`,
    );
  }
  const why = detail === "" ? "" : `: ${quote(detail.slice(0, SHOWN_CHARS))}`;
  if (status === 401) {
    return new FerryError(
      "unauthorized",
      `${label} wants other credentials (401)${why}; they go into the URL, http://USER:PASSWORD@HOST/, or --token`,
    );
  }
  const message = `${label} answers ${status}${why}`;
  // 500 is no trouble that passes, 507 still less.
  if (status === 500 || !isRetryStatus(status)) return new FerryError(codeOfStatus(status), message);
  return new StatusError(status, message, parseRetryAfter(headers.get("retry-after"), Date.now()));
}
