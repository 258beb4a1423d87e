/** The XML in a request. */
import { FerryError } from "../../core/errors.ts";
import { patientBody } from "../patient_body.ts";
import type { Exchange, Share } from "../share.ts";
import type { XmlElement } from "./xml_read.ts";
import { parseXml } from "./xml_read.ts";

/** Bytes of the largest body. */
const MAX_BODY = 256 * 1024;

/** The root of the XML that was sent; null for no body. Throws `bad_request`, `too_large` or `timeout`. */
export async function readXml(
  { request, share }: Pick<Exchange, "request"> & { share: Pick<Share, "patience"> },
): Promise<XmlElement | null> {
  const { headers, body } = request;
  if (headers.get("content-encoding") !== null) {
    throw new FerryError("unsupported_media_type", "the XML of a request comes without Content-Encoding");
  }
  if (Number(headers.get("content-length") ?? 0) > MAX_BODY) throw tooLarge();
  if (body === null) return null;
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = patientBody(body, share.patience).getReader();
  for (;;) {
    const { value, done } = await reader.read().catch((error) => {
      throw error instanceof FerryError ? error : new FerryError("bad_request", "the body broke off");
    });
    if (done) break;
    length += value.length;
    if (length > MAX_BODY) {
      reader.cancel().catch(() => {});
      throw tooLarge();
    }
    chunks.push(value);
  }
  if (length === 0) return null;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return parseXml(bytes);
}

function tooLarge(): FerryError {
  return new FerryError("too_large", `the XML of a request has at most ${MAX_BODY} bytes`);
}
