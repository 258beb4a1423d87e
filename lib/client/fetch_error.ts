/**
 * What `fetch` says in prose becomes an error code here, in one table. Deno 2.9 keeps the text in `error.cause`,
 * 2.4 in the message itself, and both wrap it, so the whole chain is read.
 */
import { type ErrorCode, FerryError, quote } from "../core/errors.ts";

/** A failed exchange, with what a retry needs to know. */
export class FetchError extends FerryError {
  constructor(code: ErrorCode, message: string, readonly facts: FetchFacts, options?: ErrorOptions) {
    super(code, message, options);
  }
}

export interface FetchFacts {
  /** Whether the same request may well succeed a moment later. */
  transient: boolean;
  /** Whether the server may have seen the request, so that only an idempotent one may be sent again. */
  sent: boolean;
}

interface Row {
  pattern: RegExp;
  code: ErrorCode;
  transient?: boolean;
  sent?: boolean;
  message(where: string, match: RegExpExecArray): string;
}

/** The first row that matches decides. */
const FETCH_ERRORS: readonly Row[] = [
  {
    pattern: /Temporary failure in name resolution/,
    code: "host_not_found",
    transient: true,
    message: (where) => `host not found: ${hostOnly(where)} (the name server does not answer)`,
  },
  {
    pattern: /dns error|failed to lookup address information/,
    code: "host_not_found",
    message: (where) => `host not found: ${hostOnly(where)}; is its name spelled right?`,
  },
  {
    pattern: /Requests to port (\d+) are blocked/,
    code: "no_connection",
    message: (where, match) =>
      `no connection to ${where}: port ${match[1]} is on the list that HTTP clients refuse to talk to ` +
      "(WHATWG bad ports); use another port",
  },
  {
    pattern: /invalid peer certificate: [^\n]*CaUsedAsEndEntity/,
    code: "untrusted_certificate",
    message: (where) =>
      `the certificate of ${where} is not trusted: it is an authority's (CA:TRUE), as openssl req makes it by default; ` +
      "where it should be, give --pin sha256:HEX, or the certificate itself with --cacert FILE",
  },
  {
    pattern: /invalid peer certificate: ([^\n]*)/,
    code: "untrusted_certificate",
    message: (where, match) =>
      `the certificate of ${where} is not trusted: ${
        quote(whyUntrusted(match[1]))
      }; where it should be, give ` +
      "--pin sha256:HEX, or its authority with --cacert FILE (for sync DENO_CERT=FILE)",
  },
  {
    pattern: /InvalidContentType|corrupt message/,
    code: "tls_handshake",
    message: (where) => `TLS handshake with ${where} failed: it does not speak TLS; did you mean http://?`,
  },
  {
    pattern: /tls handshake|handshake|received fatal alert[^\n]*|peer (?:is incompatible|misbehaved)[^\n]*/i,
    code: "tls_handshake",
    message: (where, match) => `TLS handshake with ${where} failed: ${quote(tail(match))}`,
  },
  {
    pattern: /\(Connect\): No such file or directory/,
    code: "no_connection",
    message: (where) => `no connection to ${where}: there is no such socket`,
  },
  {
    pattern: /Connection refused/,
    code: "no_connection",
    transient: true,
    message: (where) => `no connection to ${where}: connection refused; is a server running there?`,
  },
  {
    pattern: /\(Connect\):? ?(?:tcp connect error: )?([^\n]*)/,
    code: "no_connection",
    transient: true,
    message: (where, match) =>
      `no connection to ${where}: ${quote(match[1].replace(/ \(os error.*$/, "").toLowerCase())}`,
  },
  {
    pattern: /message head is too large/,
    code: "protocol",
    sent: true,
    message: (where) => `${where} sent more headers than are accepted`,
  },
  {
    // What a TLS server says to plain HTTP.
    pattern: /invalid HTTP version parsed/,
    code: "protocol",
    sent: true,
    message: (where) => `${where} did not answer in HTTP; if it speaks TLS, the URL begins with https://`,
  },
  {
    pattern: /\(SendRequest\): (invalid [^\n]*|[^\n]*parsed)/,
    code: "protocol",
    sent: true,
    message: (where, match) => `${where} did not answer in HTTP: ${quote(match[1])}`,
  },
  {
    pattern: /error reading a body|unexpected end|end of file|UnexpectedEof/i,
    code: "partial_transfer",
    transient: true,
    sent: true,
    message: (where) => `the connection to ${where} broke off in the middle of the answer`,
  },
  {
    pattern:
      /connection closed|connection reset|broken pipe|\(SendRequest\)|channel closed|connection error/i,
    code: "partial_transfer",
    transient: true,
    sent: true,
    message: (where) => `${where} closed the connection before it answered`,
  },
];

/**
 * `error`, thrown by `fetch(url)` or while its body was read, as a FerryError that names the host; never the
 * userinfo of the URL. `where` is what to call the host instead. An abort with a FerryError as its reason gives that very error.
 */
export function toFerryError(
  error: unknown,
  url: URL,
  options: { unix?: string; where?: string } = {},
): FerryError {
  for (let link = error; link instanceof Error; link = link.cause) {
    if (link instanceof FerryError) return link;
  }
  const where = options.unix === undefined ? options.where ?? url.host : `the socket ${quote(options.unix)}`;
  const text = chainText(error);
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return new FetchError("timeout", `the time limit ran out while waiting for ${where}`, {
      transient: false,
      sent: true,
    }, { cause: error });
  }
  for (const row of FETCH_ERRORS) {
    const match = row.pattern.exec(text);
    if (match === null) continue;
    const facts = { transient: row.transient ?? false, sent: row.sent ?? false };
    return new FetchError(row.code, row.message(where, match), facts, { cause: error });
  }
  const facts = { transient: false, sent: true };
  return new FetchError("protocol", `the exchange with ${where} failed: ${quote(firstLine(text))}`, facts, {
    cause: error,
  });
}

/** What rustls has against a certificate, for people. */
function whyUntrusted(text: string): string {
  if (/UnknownIssuer/.test(text)) return "nobody has signed it who is trusted here";
  if (/^(?:certificate expired|Expired)/.test(text)) return "it has expired";
  if (/^(?:certificate not valid yet|NotValidYet)/.test(text)) {
    return "it is not valid yet; is the clock right?";
  }
  return text.replace(/(?:DnsName|IpAddress)\("?([^")]*)"?\)/g, "$1");
}

function chainText(error: unknown): string {
  const texts: string[] = [];
  for (let link = error; link instanceof Error && texts.length < 8; link = link.cause) {
    texts.push(link.message);
  }
  return texts.length === 0 ? String(error) : texts.join("\n");
}

function firstLine(text: string): string {
  return text.slice(0, 300).split("\n", 1)[0];
}

function tail(match: RegExpExecArray): string {
  return match.input.slice(match.index, match.index + 120).split("\n", 1)[0];
}

function hostOnly(where: string): string {
  return where.replace(/:\d+$/, "");
}
