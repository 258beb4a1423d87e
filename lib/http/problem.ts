/** Error answers: RFC 9457 problem details for programs, a small page for a browser. */
import { escape } from "@std/html/entities";
import { accepts } from "@std/http/negotiation";
import { statusTitle } from "./status.ts";

/** What one error answer says. */
export interface ProblemAnswer {
  status: number;
  /** One sentence for a person; nothing that tells about the inside of the server. */
  detail: string;
  /** Ferry's own word for it, from the error table. */
  code?: string;
  /** What the request is called in the log. */
  id?: string;
}

/** A body and its media type. */
export interface ProblemContent {
  type: string;
  body: string;
}

/** Allows the styles within the page and nothing else: no script, no image, no frame, no form. */
export const PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

/**
 * The body for `problem`: HTML where the `Accept` header (null for none) puts it before JSON, else
 * `application/problem+json`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const { body } = problemContent({ status: 404, detail: "nothing here", code: "not_found" }, null);
 * assertEquals(JSON.parse(body).title, "Not Found");
 * ```
 */
export function problemContent(problem: ProblemAnswer, accept: string | null): ProblemContent {
  const title = statusTitle(problem.status);
  if (!prefersHtml(accept)) {
    const { status, detail, code, id } = problem;
    return {
      type: "application/problem+json",
      body: JSON.stringify({ type: "about:blank", title, status, detail, code, request_id: id }) + "\n",
    };
  }
  return {
    type: "text/html; charset=utf-8",
    body: `<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${problem.status} ${escape(title)}</title>
<style>body{font:1rem/1.5 system-ui,sans-serif;margin:3rem auto;max-width:40rem;padding:0 1rem;color-scheme:light dark}</style>
<h1>${problem.status} ${escape(title)}</h1>
<p>${escape(problem.detail)}</p>${
      problem.id === undefined ? "" : `\n<p><small>${escape(problem.id)}</small></p>`
    }
</html>
`,
  };
}

/** The whole answer as a Response, with `extra` headers. */
export function problemResponse(
  problem: ProblemAnswer,
  accept: string | null,
  extra: Record<string, string> = {},
): Response {
  const { type, body } = problemContent(problem, accept);
  const bytes = new TextEncoder().encode(body);
  const headers = { ...problemHeaders(type), "content-length": String(bytes.length), ...extra };
  return new Response(bytes, { status: problem.status, headers });
}

/** The headers that go with a problem body of media type `type`. */
export function problemHeaders(type: string): Record<string, string> {
  const headers: Record<string, string> = {
    "content-type": type,
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "vary": "Accept",
  };
  if (type.startsWith("text/html")) headers["content-security-policy"] = PAGE_POLICY;
  return headers;
}

/** Whether an `Accept` header (null for none) is a browser's that wants a page: HTML before JSON. */
export function prefersHtml(accept: string | null): boolean {
  if (accept === null || !accept.includes("html")) return false;
  const headers = new Headers({ accept });
  return accepts({ headers }, "application/problem+json", "application/json", "text/html") === "text/html";
}
