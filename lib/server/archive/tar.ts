/** tar: POSIX.1-2001 (pax), with plain ustar headers for all that fits into them. */
import { joined } from "../../core/joined.ts";
import { type ArchiveEntry, NOTHING } from "./entry.ts";

const BLOCK = 512;

/** Where the fields of a header start, and how long they are (POSIX, pax, "ustar Interchange Format"). */
const FIELDS = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  linkname: [157, 100],
  magic: [257, 8],
  prefix: [345, 155],
} as const;

/** Eleven octal digits hold no more. */
const MAX_OCTAL = 8 ** 11 - 1;

const encoder = new TextEncoder();

/** The archive of `entries`, piece by piece. Where they break off, it ends in the midst of a file. */
export function* tar(entries: Iterable<ArchiveEntry | null>): Generator<Uint8Array> {
  let between = true;
  try {
    for (const entry of entries) {
      if (entry === null) {
        yield NOTHING;
        continue;
      }
      yield tarHeader(entry);
      if (entry.kind !== "file") continue;
      between = false;
      yield* entry.content.blocks();
      const rest = entry.content.size % BLOCK;
      if (rest > 0) yield new Uint8Array(BLOCK - rest);
      between = true;
    }
  } catch (error) {
    // GNU tar takes an archive without its end for a whole one, unless it ends in a file.
    if (between) yield tarHeader(BROKEN_OFF);
    throw error;
  }
  yield new Uint8Array(2 * BLOCK);
}

/** A file that never comes. */
const BROKEN_OFF: ArchiveEntry = {
  kind: "file",
  path: "this-archive-broke-off",
  mode: 0o644,
  mtime: 0,
  content: { size: BLOCK, blocks: () => [] },
};

/** The header of `entry`, behind a pax header for what its fields cannot hold. */
export function tarHeader(entry: ArchiveEntry): Uint8Array {
  const path = entry.kind === "dir" ? `${entry.path}/` : entry.path;
  const size = entry.kind === "file" ? entry.content.size : 0;
  const target = entry.kind === "link" ? entry.target : "";
  const mtime = Math.floor(entry.mtime / 1000);
  const place = ustarPlace(path);
  const records: [string, string][] = [];
  if (place === null) records.push(["path", path]);
  if (!fits(target, FIELDS.linkname[1])) records.push(["linkpath", target]);
  if (size > MAX_OCTAL) records.push(["size", String(size)]);
  if (mtime < 0 || mtime > MAX_OCTAL) records.push(["mtime", String(mtime)]);
  const header = ustarHeader({
    ...place ?? { name: shortened(path), prefix: "" },
    type: TYPES[entry.kind],
    mode: entry.mode,
    size,
    mtime,
    target: records.some(([key]) => key === "linkpath") ? shortened(target) : target,
  });
  return records.length === 0 ? header : joined([paxHeader(records), header]);
}

const TYPES = { file: "0", link: "2", dir: "5" } as const;

/** A header with the type that holds keywords for the next one. */
function paxHeader(records: readonly (readonly [string, string])[]): Uint8Array {
  const body = encoder.encode(records.map(([key, value]) => paxRecord(key, value)).join(""));
  const header = ustarHeader({
    name: "PaxHeader",
    prefix: "",
    type: "x",
    mode: 0o644,
    size: body.length,
    mtime: 0,
    target: "",
  });
  return joined([header, body, new Uint8Array((BLOCK - body.length % BLOCK) % BLOCK)]);
}

/** `LENGTH KEY=VALUE\n`; the length counts its own digits. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const length = encoder.encode(rest).length;
  let whole = length + String(length).length;
  if (String(whole).length > String(length).length) whole = length + String(whole).length;
  return `${whole}${rest}`;
}

/** Whether `text` can stand in a field of `length` bytes: what is not ASCII has a charset in a pax header only. */
function fits(text: string, length: number): boolean {
  // deno-lint-ignore no-control-regex -- a NUL would end the field, all others may be in a name
  return text.length <= length && /^[\x01-\x7f]*$/.test(text);
}

/** `path` in the two fields that a name has, cut at a slash; null where it does not fit. */
function ustarPlace(path: string): { name: string; prefix: string } | null {
  if (fits(path, FIELDS.name[1])) return { name: path, prefix: "" };
  // The slash of a folder's end belongs to its name.
  const cut = path.indexOf("/", path.length - FIELDS.name[1] - 1);
  if (cut <= 0 || cut === path.length - 1) return null;
  const prefix = path.slice(0, cut);
  const name = path.slice(cut + 1);
  return fits(prefix, FIELDS.prefix[1]) && fits(name, FIELDS.name[1]) ? { name, prefix } : null;
}

/** What readers that know no pax headers see. */
function shortened(text: string): string {
  return text.slice(-FIELDS.name[1]).replace(/[^\x20-\x7e]/g, "_");
}

function ustarHeader(
  { name, prefix, type, mode, size, mtime, target }: {
    name: string;
    prefix: string;
    type: string;
    mode: number;
    size: number;
    mtime: number;
    target: string;
  },
): Uint8Array {
  const header = new Uint8Array(BLOCK);
  const put = ([start]: readonly [number, number], text: string) =>
    void encoder.encodeInto(text, header.subarray(start));
  const octal = (field: readonly [number, number], value: number) =>
    put(field, value.toString(8).padStart(field[1] - 1, "0"));
  put(FIELDS.name, name);
  octal(FIELDS.mode, mode & 0o777);
  octal(FIELDS.uid, 0);
  octal(FIELDS.gid, 0);
  octal(FIELDS.size, size > MAX_OCTAL ? 0 : size);
  octal(FIELDS.mtime, Math.min(Math.max(mtime, 0), MAX_OCTAL));
  put(FIELDS.type, type);
  put(FIELDS.linkname, target);
  put(FIELDS.magic, "ustar\x0000");
  put(FIELDS.prefix, prefix);
  // The sum is over the header with blanks in its own place.
  put(FIELDS.checksum, "        ");
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(FIELDS.checksum, `${sum.toString(8).padStart(6, "0")}\0 `);
  return header;
}
