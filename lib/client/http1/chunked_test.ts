import { assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import { ChunkedDecoder } from "./chunked.ts";
import { HeadError } from "./fields.ts";
import { latin1 } from "./head.ts";

const bytes = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

interface Way {
  /** How many bytes of the input are given at once, and how many fit into the output; each over and over. */
  pieces: number[];
  rooms: number[];
}

const AT_ONCE: Way = { pieces: [1e6], rooms: [1e6] };

/** Decodes `text`; what is not taken is given again with what comes next. */
function decode(text: string, { pieces, rooms }: Way) {
  const decoder = new ChunkedDecoder();
  const input = bytes(text);
  let body = "", taken = 0, there = 0;
  for (let turn = 0; !decoder.ended; turn++) {
    const output = new Uint8Array(rooms[turn % rooms.length]);
    const step = decoder.decode(input.subarray(taken, there), output);
    body += latin1(output.subarray(0, step.given));
    taken += step.taken;
    if (step.given === 0 && there === input.length) break;
    if (step.given === 0) there = Math.min(input.length, there + pieces[turn % pieces.length]);
  }
  return { body, ended: decoder.ended, rest: text.slice(taken), trailers: [...decoder.trailers ?? []] };
}

Deno.test("ChunkedDecoder takes chunks of any size apart, whatever the pieces that they come in", () => {
  const way = fc.record({
    pieces: fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
    rooms: fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
  });
  const chunk = fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 40 });
  fc.assert(fc.property(fc.array(chunk), fc.boolean(), way, (chunks, trailer, way) => {
    const coded = chunks.map((text) => `${text.length.toString(16)};x=y\r\n${text}\r\n`).join("") +
      `0\r\n${trailer ? "Digest: abc\r\n" : ""}\r\n`;
    const expected = {
      body: chunks.join(""),
      ended: true,
      rest: "HTTP/1.1",
      trailers: trailer ? [["digest", "abc"]] : [],
    };
    assertEquals(decode(coded + "HTTP/1.1", way), expected);
  }));
});

Deno.test("ChunkedDecoder is at its end only when the body is", () => {
  const whole = "5\r\nhello\r\n0\r\nA: b\r\n\r\n";
  for (let length = 0; length < whole.length; length++) {
    assertEquals(decode(whole.slice(0, length), AT_ONCE).ended, false, String(length));
  }
  assertEquals(decode(whole, AT_ONCE).ended, true);
});

Deno.test("ChunkedDecoder refuses what is no chunk", () => {
  const cases: [string, string][] = [
    ["x\r\n", "without a size"],
    ["\r\n", "without a size"],
    ["-1\r\n", "without a size"],
    ["5z\r\n", "no number"],
    ["5\nhello", "no number"],
    ["5\rhello", "without an end"],
    ["5\r\nhello!\r\n", "longer than its size"],
    ["5\r\nhello\n", "longer than its size"],
    ["5;a\nb\r\n", "ends early"],
    ["f".repeat(14) + "\r\n", "too large"],
    ["0".repeat(14) + "\r\n", "too large"],
    ["1;" + "x".repeat(20_000), "too many chunk extensions"],
    ["1;xxxxxxx\r\na\r\n".repeat(3000), "too many chunk extensions"],
    ["0\r\nA b\r\n\r\n", "without a valid name"],
  ];
  for (const [text, message] of cases) {
    for (const way of [AT_ONCE, { pieces: [1], rooms: [1] }]) {
      assertThrows(() => decode(text, way), HeadError, message);
    }
  }
});
