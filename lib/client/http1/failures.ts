/** What goes wrong between this client and a server, in words. */
import { quote } from "../../core/errors.ts";
import { FetchError } from "../fetch_error.ts";

/** The server breaks the rules of HTTP; `what` it sends. */
export function badAnswer(where: string, what: string): FetchError {
  return new FetchError("protocol", `${where} sent ${quote(what)}`, { transient: false, sent: true });
}

/** The `first` bytes of an answer are of something else. */
export function notHttp(where: string, first: string): FetchError {
  // What a TLS server says to plain HTTP: an alert.
  const hint = first.charCodeAt(0) === 0x15
    ? "; if it speaks TLS, the URL begins with https://"
    : `: it begins with ${quote(first.slice(0, 20))}`;
  return new FetchError("protocol", `${where} did not answer in HTTP${hint}`, {
    transient: false,
    sent: true,
  });
}

export function closedUnanswered(where: string, cause?: unknown): FetchError {
  const facts = { transient: true, sent: true };
  return new FetchError("partial_transfer", `${where} closed the connection before it answered`, facts, {
    cause,
  });
}

export function brokenOff(where: string, cause?: unknown): FetchError {
  const message = `the connection to ${where} broke off in the middle of the answer`;
  return new FetchError("partial_transfer", message, { transient: true, sent: true }, { cause });
}

export function silent(where: string, seconds: number): FetchError {
  const message = `${where}: not a byte moved for ${seconds} s`;
  return new FetchError("timeout", message, { transient: true, sent: true });
}

/** What a server says to a certificate, or to none, after the handshake (RFC 8446 section 6.2); undefined for other errors. */
export function tlsAlert(where: string, error: unknown): FetchError | undefined {
  const alert = error instanceof Error ? /received fatal alert: (\w+)/.exec(error.message)?.[1] : undefined;
  if (alert === undefined) return undefined;
  const hint = alert === "CertificateRequired"
    ? "it wants a certificate; give --cert FILE and --key FILE"
    : alert;
  return new FetchError("tls_handshake", `TLS handshake with ${where} failed: ${quote(hint)}`, {
    transient: false,
    sent: false,
  });
}
