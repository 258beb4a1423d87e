import { FerryError } from "../../core/errors.ts";
import { toFerryError } from "../fetch_error.ts";

/** What the system says of a connection that did not come about, as `fetch` would have said it. */
export function connectError(
  error: unknown,
  url: URL,
  options: { unix?: string; where?: string } = {},
): FerryError {
  if (error instanceof FerryError || !(error instanceof Error)) return toFerryError(error, url, options);
  const told = new Error(`client error (Connect): ${error.message}`, { cause: error });
  return toFerryError(told, url, options);
}
