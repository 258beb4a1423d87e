/** The records of a zip file (PKWARE APPNOTE 6.3.9), with Zip64 where 32 bits are not enough. */
import { deflateRawSync, inflateRawSync } from "node:zlib";

/** 0 for as it is, 8 for DEFLATE. */
export type Method = 0 | 8;

/** What a zip file says of one entry. */
export interface ZipRecord {
  /** UTF-8; a folder's ends with a slash. */
  name: Uint8Array;
  /** With the bits of the kind of file (`S_IFMT`). */
  mode: number;
  /** Milliseconds since 1970. */
  mtime: number;
  method: Method;
  /** Its sums stand behind the content, since they were not known before it. */
  described: boolean;
  /** Whether the sizes behind the content have 64 bits. */
  wide: boolean;
  crc: number;
  /** Bytes of the content, and of it as it stands in the file. */
  size: number;
  packed: number;
}

const MAX_16 = 0xffff;
const MAX_32 = 0xffffffff;

/** Flags: bit 3, sums behind the content; bit 11, the name is UTF-8. */
const DESCRIBED = 0x0008;
const UTF8 = 0x0800;

/** Version 4.5, the first with Zip64; made on Unix (3), so that modes count. */
const VERSION = 45;
const MADE_BY = 3 << 8 | VERSION;
const PLAIN_VERSION = 20;

/** The record before the content of an entry. */
export function localHeader(record: ZipRecord): Uint8Array {
  const { name, described, wide, method } = record;
  const time = timeField(record.mtime);
  // Behind the content there is no telling which sizes are meant, so the header has to say it.
  const extra = wide ? [...zip64Field(described ? [0, 0] : [record.size, record.packed]), ...time] : time;
  const out = new Writer(30 + name.length + extra.length);
  out.u32(0x04034b50).u16(wide ? VERSION : PLAIN_VERSION).u16(UTF8 | (described ? DESCRIBED : 0)).u16(method);
  out.u32(dosTime(record.mtime)).u32(described ? 0 : record.crc);
  for (const value of [record.packed, record.size]) out.u32(wide ? MAX_32 : described ? 0 : value);
  return out.u16(name.length).u16(extra.length).bytes(name).bytes(extra).done;
}

/** The record behind the content of an entry whose sums were not known before. */
export function dataDescriptor({ crc, packed, size, wide }: ZipRecord): Uint8Array {
  const out = new Writer(wide ? 24 : 16).u32(0x08074b50).u32(crc);
  return wide ? out.u64(packed).u64(size).done : out.u32(packed).u32(size).done;
}

/** So much of the directory is packed at a time. */
const PACKED_AT_ONCE = 64 * 1024;

/** The directory at the end of a zip file, kept small until then: some 25 bytes an entry. */
export class CentralDirectory {
  readonly #packed: Uint8Array[] = [];
  readonly #open = new Uint8Array(PACKED_AT_ONCE);
  #used = 0;
  #count = 0;
  #length = 0;

  /** Adds the entry whose local header stands at `offset`. */
  add(record: ZipRecord, offset: number): void {
    const bytes = centralHeader(record, offset);
    if (this.#used + bytes.length > this.#open.length) this.#pack();
    if (bytes.length > this.#open.length) this.#packed.push(deflateRawSync(bytes, { level: 1 }));
    else {
      this.#open.set(bytes, this.#used);
      this.#used += bytes.length;
    }
    this.#count++;
    this.#length += bytes.length;
  }

  #pack(): void {
    if (this.#used === 0) return;
    this.#packed.push(deflateRawSync(this.#open.subarray(0, this.#used), { level: 1 }));
    this.#used = 0;
  }

  /** The directory, which starts at `offset`, and what follows it, piece by piece. */
  *pieces(offset: number): Generator<Uint8Array> {
    for (const packed of this.#packed) yield inflateRawSync(packed);
    yield this.#open.subarray(0, this.#used);
    yield this.#end(offset);
  }

  #end(offset: number): Uint8Array {
    const count = this.#count, length = this.#length;
    const wide = count >= MAX_16 || length >= MAX_32 || offset >= MAX_32;
    const out = new Writer((wide ? 56 + 20 : 0) + 22);
    if (wide) {
      out.u32(0x06064b50).u64(44).u16(MADE_BY).u16(VERSION).u32(0).u32(0);
      out.u64(count).u64(count).u64(length).u64(offset);
      out.u32(0x07064b50).u32(0).u64(offset + length).u32(1);
    }
    out.u32(0x06054b50).u16(0).u16(0).u16(Math.min(count, MAX_16)).u16(Math.min(count, MAX_16));
    return out.u32(Math.min(length, MAX_32)).u32(Math.min(offset, MAX_32)).u16(0).done;
  }
}

function centralHeader(record: ZipRecord, offset: number): Uint8Array {
  const { name, mode, method, described, crc, size, packed } = record;
  // Only what does not fit, in this order (4.5.3).
  const large = [size, packed, offset].filter((value) => value >= MAX_32);
  const extra = large.length > 0
    ? [...zip64Field(large), ...timeField(record.mtime)]
    : timeField(record.mtime);
  const out = new Writer(46 + name.length + extra.length);
  const needed = record.wide || large.length > 0 ? VERSION : PLAIN_VERSION;
  out.u32(0x02014b50).u16(MADE_BY).u16(needed).u16(UTF8 | (described ? DESCRIBED : 0)).u16(method);
  out.u32(dosTime(record.mtime)).u32(crc).u32(Math.min(packed, MAX_32)).u32(Math.min(size, MAX_32));
  out.u16(name.length).u16(extra.length).u16(0).u16(0).u16(0);
  // The upper half is Unix's, in the lower one only what marks a folder.
  out.u32(mode * 0x10000 + ((mode & 0o170000) === 0o040000 ? 0x10 : 0)).u32(Math.min(offset, MAX_32));
  return out.bytes(name).bytes(extra).done;
}

/** The extra field of Zip64 (4.5.3). */
function zip64Field(values: readonly number[]): Uint8Array {
  const out = new Writer(4 + 8 * values.length).u16(0x0001).u16(8 * values.length);
  for (const value of values) out.u64(value);
  return out.done;
}

/** Info-ZIP's extra field with the time in UTC; none for a time that its 32 bits cannot hold. */
function timeField(mtime: number): Uint8Array {
  const seconds = Math.floor(mtime / 1000);
  if (seconds < -0x80000000 || seconds > 0x7fffffff) return new Uint8Array();
  return new Writer(9).u16(0x5455).u16(5).u8(1).u32(seconds >>> 0).done;
}

/** Date and time as DOS had them, here in UTC: two seconds, from 1980 to 2107. */
function dosTime(mtime: number): number {
  const time = new Date(Math.min(Math.max(mtime, Date.UTC(1980, 0, 1)), Date.UTC(2107, 11, 31, 23, 59, 58)));
  const date = (time.getUTCFullYear() - 1980) * 512 + (time.getUTCMonth() + 1) * 32 + time.getUTCDate();
  const clock = time.getUTCHours() * 2048 + time.getUTCMinutes() * 32 + (time.getUTCSeconds() >> 1);
  return date * 0x10000 + clock;
}

/** Little-endian numbers and bytes, one after the other. */
class Writer {
  readonly done: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(length: number) {
    this.done = new Uint8Array(length);
    this.#view = new DataView(this.done.buffer);
  }

  u8(value: number): this {
    this.#view.setUint8(this.#at, value);
    return this.#move(1);
  }

  u16(value: number): this {
    this.#view.setUint16(this.#at, value, true);
    return this.#move(2);
  }

  u32(value: number): this {
    this.#view.setUint32(this.#at, value, true);
    return this.#move(4);
  }

  u64(value: number): this {
    return this.u32(value % 0x100000000).u32(Math.floor(value / 0x100000000));
  }

  bytes(bytes: ArrayLike<number>): this {
    this.done.set(bytes, this.#at);
    return this.#move(bytes.length);
  }

  #move(length: number): this {
    this.#at += length;
    return this;
  }
}
