/** The values of `--form`, in curl's notation. Pure. */
import { FerryError, quote } from "../../core/errors.ts";

/** One field of a form. */
export interface FormField {
  name: string;
  /** Text as it stands, or what is in a file (`-`: standard input). */
  content: { kind: "text"; text: string } | { kind: "file"; path: string };
  /** What the other side is told the file is called; undefined for a field that is no file. */
  fileName?: string;
  /** The media type, where it was given. */
  type?: string;
}

const QUOTED = String.raw`"(?:[^"\\]|\\.)*"`;

/** A value, and what follows it: `;type=...`, for a file `;filename=...` too. */
function grammar(keys: string) {
  const next = String.raw`;\s*(?:${keys})=`;
  const value = `(${QUOTED}(?=$|${next})|(?:(?!${next})[^])*)`;
  return { value: new RegExp(`^${value}`), parameter: new RegExp(String.raw`^;\s*(${keys})=${value}`) };
}

const OF_TEXT = grammar("type");
const OF_FILE = grammar("type|filename");

/** A type and a subtype of RFC 9110 section 5.6.2, then perhaps parameters: nothing that could end a line. */
const MEDIA_TYPE = /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+(?:\s*;[\x20-\x7e]*)?$/;

/**
 * `NAME=VALUE`, `NAME=@FILE` (a file is sent) or `NAME=<FILE` (the value is in a file), each perhaps with
 * `;type=TYPE`, a file perhaps with `;filename=NAME`. A VALUE or FILE in double quotes is taken as it stands between
 * them, `\"` and `\\` excepted. Throws `usage`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const field = parseFormField("photo=@a.jpg;type=image/jpeg");
 * assertEquals(field, { name: "photo", content: { kind: "file", path: "a.jpg" }, fileName: "a.jpg", type: "image/jpeg" });
 * ```
 */
export function parseFormField(text: string): FormField {
  const equals = text.indexOf("=");
  const name = text.slice(0, equals);
  if (equals <= 0) {
    throw new FerryError("usage", `--form ${quote(text)}: must be NAME=VALUE, NAME=@FILE or NAME=<FILE`);
  }
  const wrong = (why: string) => new FerryError("usage", `--form ${quote(name)}: ${why}`);
  const sign = /^[@<]/.exec(text.slice(equals + 1))?.[0] ?? "";
  const { value, parameter } = sign === "@" ? OF_FILE : OF_TEXT;
  let rest = text.slice(equals + 1 + sign.length);
  const [raw] = value.exec(rest)!;
  const given: { type?: string; filename?: string } = {};
  rest = rest.slice(raw.length);
  for (let match = parameter.exec(rest); match !== null; match = parameter.exec(rest)) {
    given[match[1] as "type" | "filename"] = unquoted(match[2]);
    rest = rest.slice(match[0].length);
  }
  const { type, filename } = given;
  if (type !== undefined && !MEDIA_TYPE.test(type)) {
    throw wrong(`the type ${quote(type)} must be like text/plain`);
  }
  if (sign === "") return { name, content: { kind: "text", text: unquoted(raw) }, ...(type && { type }) };
  const path = unquoted(raw);
  if (path === "") throw wrong(`the name of a file is missing after ${sign}`);
  const fileName = sign === "@" ? filename ?? (path === "-" ? "-" : path.split("/").at(-1)!) : undefined;
  return {
    name,
    content: { kind: "file", path },
    ...(fileName !== undefined && { fileName }),
    ...(type && { type }),
  };
}

function unquoted(text: string): string {
  return /^"(?:[^"\\]|\\.)*"$/s.test(text) ? text.slice(1, -1).replace(/\\(["\\])/g, "$1") : text;
}
