import { assertEquals } from "@std/assert";
import { chunkName } from "../../delta/chunk_list.ts";
import { chunkSizes, MIN_CHUNK_BITS, nextCut } from "../../delta/chunker.ts";
import { ChunkEntries, chunksEnd, chunksHeader } from "../../wire/chunks.ts";
import { CHUNKS_TYPE } from "../../wire/delta.ts";
import type { Answer } from "../exchange.ts";
import { chunksUrl, repair } from "./repair.ts";

Deno.test("chunksUrl() names the file as the sync API does, and nothing that is no file of a ferry serve", () => {
  const cases: [url: string, query: string | null][] = [
    ["http://h/a", "path=&file=a"],
    ["http://h/sub/dir/b%20c?x=1", "path=sub%2Fdir&file=b+c"],
    ["http://h/%C3%A9", "path=&file=%C3%A9"],
    ["http://h/", null],
    ["http://h/sub/", null],
    ["http://h/a%2fb", null],
    ["http://h/a//b", null],
    ["http://h/.ferry/x", null],
    ["http://h/%ff", null],
  ];
  for (const [url, query] of cases) {
    const call = chunksUrl(new URL(url));
    assertEquals([url, call && call.href], [url, query && `http://h/.ferry/v1/chunks?${query}`]);
  }
});

const SIZE = 1_000_000;
const RIGHT = new Uint8Array(SIZE).map((_, i) => (i * i >> 7) ^ (i * 2654435761 >>> 13));
const TAG = '"v1"';

function list(content: Uint8Array, size = content.length): Uint8Array<ArrayBuffer> {
  const sizes = chunkSizes(MIN_CHUNK_BITS);
  const entries = new ChunkEntries();
  for (let at = 0; at < content.length;) {
    const end = nextCut(content, at, content.length, sizes);
    entries.add(end - at, chunkName(content.subarray(at, end)));
    at = end;
  }
  const head = chunksHeader({ meta: { size, mtime: 1, mode: 0o644 }, sizes });
  return new Uint8Array([...head, ...entries.take(), ...chunksEnd(false)]);
}

function answer(url: URL, status: number, headers: Record<string, string>, bytes: Uint8Array): Answer {
  let at = 0;
  return {
    hop: { url, method: "GET", headers: new Headers(), withBody: false },
    response: {
      status,
      statusText: "",
      version: "1.1",
      ok: status < 300,
      headers: new Headers(headers),
      connection: { connected: 0, ready: 0 },
      sentAt: 0,
      answered: 0,
      body: {
        left: undefined,
        trailers: undefined,
        whole: () => null,
        cancel: () => Promise.resolve(),
        read: (buffer) => {
          const piece = bytes.subarray(at, at + buffer.length);
          buffer.set(piece);
          at += piece.length;
          return Promise.resolve(piece.length === 0 ? null : piece.length);
        },
      },
    },
  };
}

/** Repairs `content` from a server with `chunks` and ranges of `etag`; gives what it told and what was asked for. */
async function mended(content: Uint8Array, chunks: Uint8Array, etag = TAG) {
  const asked: string[] = [];
  let received = 0;
  const file = {
    readAt: (buffer: Uint8Array, offset: number) => {
      const piece = content.subarray(offset, offset + buffer.length);
      buffer.set(piece);
      return piece.length;
    },
    writeAt: (bytes: Uint8Array, offset: number) => content.set(bytes, offset),
  };
  const repaired = await repair(new URL("http://h/f"), {
    file,
    size: SIZE,
    validator: { kind: "etag", value: TAG },
  }, {
    get: (url, headers) => {
      if (url.pathname.startsWith("/.ferry/")) {
        return Promise.resolve(answer(url, 200, { "content-type": CHUNKS_TYPE }, chunks));
      }
      asked.push(headers.range);
      const [start, last] = /bytes=(\d+)-(\d+)/.exec(headers.range)!.slice(1).map(Number);
      const range = { "content-range": `bytes ${start}-${last}/${SIZE}`, etag };
      return Promise.resolve(answer(url, 206, range, RIGHT.subarray(start, last + 1)));
    },
    received: (bytes) => received += bytes,
    signal: new AbortController().signal,
  });
  return { repaired, asked, received };
}

Deno.test("repair() fetches the chunks that are damaged and nothing else", async () => {
  const content = RIGHT.slice();
  for (const at of [0, 400_000, SIZE - 1]) content[at] ^= 0x55;
  const { repaired, asked, received } = await mended(content, list(RIGHT));
  assertEquals([content, asked.length, repaired], [RIGHT, 3, received]);
  assertEquals(received < 3 * chunkSizes(MIN_CHUNK_BITS).max, true);
});

Deno.test("repair() leaves alone what it cannot be sure of", async () => {
  const damaged = RIGHT.slice();
  damaged[5] ^= 1;
  const cases: [about: string, content: Uint8Array, chunks: Uint8Array, etag?: string][] = [
    ["another version by now", damaged, list(RIGHT), '"v2"'],
    ["a list of another size", damaged, list(RIGHT.subarray(1))],
    ["a list that ends early", damaged, list(RIGHT).subarray(0, 100)],
    ["a list that adds up to less", damaged, list(RIGHT.subarray(100_000), SIZE)],
    ["no list", damaged, new TextEncoder().encode("<html>")],
    ["nothing that is wrong", RIGHT, list(RIGHT)],
    ["another file", new Uint8Array(SIZE), list(RIGHT)],
  ];
  for (const [about, content, chunks, etag] of cases) {
    const before = content.slice();
    const { repaired } = await mended(content, chunks, etag);
    assertEquals([about, repaired], [about, null]);
    assertEquals(content, before);
  }
});
