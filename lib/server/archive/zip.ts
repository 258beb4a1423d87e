/** zip, written from its start to its end without going back. */
import { crc32 } from "node:zlib";
import { assertNever } from "../../core/errors.ts";
import { Crc32 } from "./crc.ts";
import { DeflateBlocks, deflateWhole } from "./deflate.ts";
import { type ArchiveEntry, type Content, NOTHING } from "./entry.ts";
import { CentralDirectory, dataDescriptor, localHeader, type ZipRecord } from "./zip_records.ts";

/** Kinds of files in the mode (`S_IFMT`). */
const KINDS = { file: 0o100000, dir: 0o040000, link: 0o120000 } as const;

/** From this size on what DEFLATE makes of a content, five bytes a block more at worst, may need 64 bits. */
const WIDE = 0xffffffff - 0x1000000;

/** Longer names have no place in the 16 bits of their length. */
const MAX_NAME = 0xffff;

const encoder = new TextEncoder();

/** The archive of `entries`, piece by piece. Where they break off it has no directory, so nobody takes it for whole. */
export function* zip(entries: Iterable<ArchiveEntry | null>): Generator<Uint8Array> {
  const directory = new CentralDirectory();
  let offset = 0;
  for (const entry of entries) {
    if (entry === null) {
      yield NOTHING;
      continue;
    }
    const start = offset;
    const pieces = entryPieces(entry);
    let next = pieces.next();
    for (; !next.done; next = pieces.next()) {
      offset += next.value.length;
      yield next.value;
    }
    directory.add(next.value, start);
  }
  yield* directory.pieces(offset);
}

function* entryPieces(entry: ArchiveEntry): Generator<Uint8Array, ZipRecord> {
  switch (entry.kind) {
    case "dir":
      return yield* whole(newRecord(entry, `${entry.path}/`), NOTHING, null);
    case "link":
      return yield* whole(newRecord(entry, entry.path), encoder.encode(entry.target), null);
    case "file":
      return yield* file(newRecord(entry, entry.path), entry.content);
    default:
      return assertNever(entry);
  }
}

function newRecord({ kind, mode, mtime }: ArchiveEntry, path: string): ZipRecord {
  const name = encoder.encode(path);
  if (name.length > MAX_NAME) throw new Error("a path is too long for a zip file");
  const record = { method: 0, described: false, wide: false, crc: 0, size: 0, packed: 0 } as const;
  return { ...record, name, mode: KINDS[kind] | mode & 0o777, mtime };
}

function* file(record: ZipRecord, content: Content): Generator<Uint8Array, ZipRecord> {
  let offset = 0;
  let deflate: DeflateBlocks | null = null;
  const sum = new Crc32();
  for (const block of content.blocks()) {
    if (block.length === content.size) return yield* whole(record, block, deflateWhole(block));
    if (deflate === null) {
      // As it is it could not be told from what follows without its sizes, which are not known yet.
      record = { ...record, method: 8, described: true, wide: content.size >= WIDE };
      deflate = new DeflateBlocks();
      yield localHeader(record);
    }
    offset += block.length;
    sum.add(block);
    for (const piece of deflate.add(block, offset === content.size)) {
      record.packed += piece.length;
      yield piece;
    }
  }
  if (deflate === null) return yield* whole(record, NOTHING, null);
  record.size = offset;
  record.crc = sum.value;
  yield dataDescriptor(record);
  return record;
}

/** An entry whose content is in memory, and `packed` where that is smaller: all its sums stand in front of it. */
function* whole(
  record: ZipRecord,
  content: Uint8Array,
  packed: Uint8Array | null,
): Generator<Uint8Array, ZipRecord> {
  const body = packed ?? content;
  const known: ZipRecord = {
    ...record,
    method: packed === null ? 0 : 8,
    crc: crc32(content),
    size: content.length,
    packed: body.length,
  };
  yield localHeader(known);
  yield body;
  return known;
}
