/** Forms as bodies, multipart/form-data (RFC 7578), names written as browsers write them (HTML, section 4.10.21.8). */
import { FerryError } from "../../core/errors.ts";
import { mediaType } from "../../http/media_type.ts";
import { type BodySource, fileSource } from "../body_source.ts";
import type { FormField } from "./form_field.ts";

/** A form to send. */
export interface FormBody {
  /** For the `Content-Type` header. */
  type: string;
  body: BodySource;
}

const encoder = new TextEncoder();
const bytes = (text: string): BodySource => ({ kind: "bytes", bytes: encoder.encode(text) });

/**
 * The body that sends `fields`. Files are looked at, and read when it is sent: it has a length unless something comes
 * through a pipe. Throws `read_failed`, and `usage` when `stdin` is wanted twice. The boundary cannot be guessed, so
 * no file has it.
 */
export function formBody(
  fields: readonly FormField[],
  stdin: ReadableStream<Uint8Array>,
  boundary = `ferry-${crypto.randomUUID()}`,
): FormBody {
  if (fields.filter(({ content }) => content.kind === "file" && content.path === "-").length > 1) {
    throw new FerryError("usage", "--form: standard input can be one field only");
  }
  const parts = fields.flatMap((field): BodySource[] => [
    bytes(`--${boundary}\r\n${partHead(field)}\r\n`),
    field.content.kind === "text" ? bytes(field.content.text) : fileSource(field.content.path, stdin),
    bytes("\r\n"),
  ]);
  return {
    type: `multipart/form-data; boundary=${boundary}`,
    body: { kind: "parts", parts: [...parts, bytes(`--${boundary}--\r\n`)] },
  };
}

function partHead({ name, fileName, type }: FormField): string {
  const called = fileName === undefined ? "" : `; filename="${escapeName(fileName)}"`;
  const known = type ?? (fileName === undefined ? undefined : mediaType(fileName));
  return `Content-Disposition: form-data; name="${escapeName(name)}"${called}\r\n` +
    (known === undefined ? "" : `Content-Type: ${known}\r\n`);
}

const ESCAPES: Record<string, string> = { '"': "%22", "\r": "%0D", "\n": "%0A" };

/** No more than these three, so that a name cannot end its field. */
function escapeName(name: string): string {
  return name.replace(/["\r\n]/g, (character) => ESCAPES[character]);
}
