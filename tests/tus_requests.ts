/** What the tests of resumable uploads share: requests of tus 1.0, one by one. */
import { assertEquals } from "@std/assert";

/** What every request has. */
export const TUS = { "tus-resumable": "1.0.0" };
/** What one with bytes has. */
export const PIECE = { ...TUS, "content-type": "application/offset+octet-stream" };

/** An `Upload-Metadata` of these pairs. */
export function metadata(pairs: Record<string, string>): string {
  return Object.entries(pairs).map(([key, value]) => `${key} ${base64(new TextEncoder().encode(value))}`)
    .join(",");
}

export function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/** Sends a request and reads the answer's body, which is gone then. */
export async function send(url: string, init: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  await response.body?.cancel();
  return response;
}

/** Creates an upload of `length` bytes for the file `name`, below the URL of a server, and gives its URL. */
export async function create(
  server: string,
  name: string,
  length: number,
  headers: Record<string, string> = {},
): Promise<string> {
  const response = await send(`${server}/.ferry/tus/`, {
    method: "POST",
    headers: {
      ...TUS,
      "upload-length": String(length),
      "upload-metadata": metadata({ filename: name }),
      ...headers,
    },
  });
  assertEquals(response.status, 201);
  return server + response.headers.get("location");
}

/** Sends `bytes` for `offset`. */
export function patch(
  url: string,
  offset: number,
  bytes: Uint8Array<ArrayBuffer> | string,
  headers: Record<string, string> = {},
): Promise<Response> {
  return send(url, {
    method: "PATCH",
    headers: { ...PIECE, "upload-offset": String(offset), ...headers },
    body: bytes,
  });
}

/** The offset that the server tells; null and the status where it tells none. */
export async function offsetOf(url: string, headers: Record<string, string> = {}): Promise<number | string> {
  const response = await send(url, { method: "HEAD", headers: { ...TUS, ...headers } });
  const offset = response.headers.get("upload-offset");
  return offset === null ? `status ${response.status}` : Number(offset);
}
