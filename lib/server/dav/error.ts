/** Refusals that name a condition of WebDAV (RFC 4918 section 16). */
import type { ErrorCode } from "../../core/errors.ts";
import { HttpError } from "../failure.ts";
import { escapeXml } from "./xml_write.ts";

/** The media type of all XML that is sent. */
export const XML_TYPE = "application/xml; charset=utf-8";

/** What XML starts with. */
export const XML_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n';

/** Answered with a `DAV:error` that holds `condition`, with the resources that it is about. */
export function davError(
  code: ErrorCode,
  message: string,
  about: { condition: string; hrefs?: readonly string[] },
): HttpError {
  const hrefs = (about.hrefs ?? []).map((href) => `<D:href>${escapeXml(href)}</D:href>`).join("");
  const condition = `<D:${about.condition}>${hrefs}</D:${about.condition}>`;
  const body = `${XML_HEAD}<D:error xmlns:D="DAV:">${condition}</D:error>\n`;
  return new HttpError(code, message, {}, { type: XML_TYPE, body });
}
