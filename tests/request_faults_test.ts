import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { createHash } from "node:crypto";
import { exitStatus, FerryError } from "../lib/core/errors.ts";
import { Dialer } from "../lib/client/dial/dialer.ts";
import { Http1Client } from "../lib/client/http1/client.ts";
import { PartFile } from "../lib/client/parts/part_file.ts";
import { RequestClient } from "../lib/client/request_client.ts";
import { type Sink, StreamSink } from "../lib/client/sink.ts";
import { Transfer } from "../lib/client/transfer/transfer.ts";
import { tempDir } from "./harness.ts";
import { hostile, type Visit } from "./hostile_server.ts";

/** The contents that the server may have, one after the other: of one size, and of others. */
const VERSIONS = ["first ".repeat(500), "second".repeat(500), "third".repeat(700), ""];

/** What a server does with one request. It never lies about which version it sends, but for its digest not at all. */
interface Act {
  version: number;
  /** Bytes of the body after which the connection ends. */
  cut: number;
  tag: "strong" | "weak" | "none" | "date";
  ranges: "right" | "none" | "shifted" | "careless";
  framing: "length" | "chunks" | "close";
  digest: "right" | "wrong" | "none";
  status: 200 | 404 | 503;
}

const ACT: fc.Arbitrary<Act> = fc.record({
  version: fc.nat(VERSIONS.length - 1),
  cut: fc.oneof(fc.constant(Infinity), fc.nat(4000)),
  tag: fc.constantFrom("strong", "strong", "strong", "weak", "none", "date"),
  ranges: fc.constantFrom("right", "right", "right", "none", "shifted", "careless"),
  framing: fc.constantFrom("length", "length", "length", "chunks", "close"),
  digest: fc.constantFrom("right", "none", "none", "none", "none", "wrong"),
  status: fc.constantFrom(200, 200, 200, 200, 200, 200, 200, 404, 503),
});

function lines(act: Act, content: string): string[] {
  const tag = `"v${act.version}"`;
  const sum = (text: string) =>
    `Repr-Digest: sha-256=:${createHash("sha256").update(text).digest("base64")}:`;
  return [
    ...(act.tag === "strong" ? [`ETag: ${tag}`] : act.tag === "weak" ? [`ETag: W/${tag}`] : []),
    ...(act.tag === "date"
      ? [
        `Last-Modified: ${new Date(Date.UTC(2020, 1, 1 + act.version)).toUTCString()}`,
        `Date: ${new Date().toUTCString()}`,
      ]
      : []),
    ...(act.digest === "none" ? [] : [sum(act.digest === "right" ? content : content + "!")]),
  ];
}

async function play(visit: Visit, act: Act): Promise<void> {
  // Few servers know what a ferry serve does.
  if (visit.target.startsWith("/.ferry/")) return await visit.answer("404 Not Found");
  if (act.status !== 200) return await visit.answer(`${act.status} No`, "sorry", "Retry-After: 0");
  const content = VERSIONS[act.version];
  const head = lines(act, content);
  const range = /^bytes=(\d+)-(\d*)$/.exec(visit.headers.get("range") ?? "");
  const condition = visit.headers.get("if-range");
  const same = condition === null || head.some((line) => line.slice(line.indexOf(" ") + 1) === condition);
  let start = 0, end = content.length, status = "200 OK";
  if (range !== null && act.ranges !== "none" && (same || act.ranges === "careless")) {
    start = Number(range[1]) + (act.ranges === "shifted" ? 1 : 0);
    end = range[2] === "" ? end : Math.min(end, Number(range[2]) + 1);
    if (start >= end) {
      return await visit.answer("416 No", "", `Content-Range: bytes */${content.length}`, ...head);
    }
    status = "206 Partial Content";
    head.push(`Content-Range: bytes ${start}-${end - 1}/${content.length}`);
  }
  const body = content.slice(start, end), sent = body.slice(0, act.cut);
  switch (act.framing) {
    case "length":
      await visit.head(`HTTP/1.1 ${status}`, `Content-Length: ${body.length}`, ...head);
      return await visit.send(sent);
    case "chunks":
      await visit.head(`HTTP/1.1 ${status}`, "Transfer-Encoding: chunked", ...head);
      if (sent !== "") await visit.send(`${sent.length.toString(16)}\r\n${sent}\r\n`);
      return sent.length === body.length ? await visit.send("0\r\n\r\n") : undefined;
    case "close":
      // Nobody could tell that it was cut.
      await visit.head(`HTTP/1.1 ${status}`, ...head);
      return await visit.send(body);
  }
}

/** Downloads `url` once; gives the exit status. */
async function download(url: string, sink: Sink, resume: boolean): Promise<number> {
  using wire = new Http1Client(new Dialer({}));
  const target = new URL(url);
  const transfer = new Transfer({
    url: target,
    method: "GET",
    headers: new Headers(),
    body: { kind: "none" },
    resume,
    maxRedirects: 0,
    retries: 2,
    fail: true,
  }, { client: new RequestClient(target, wire), sink, stop: new AbortController().signal });
  try {
    await transfer.run();
    return 0;
  } catch (error) {
    assert(error instanceof FerryError, `${error}`);
    return exitStatus(error);
  }
}

const ENDS = [18, 22, 43];

Deno.test("a download is one version of the content, whole, or not there, whatever a server does in between", async () => {
  // All at once: each of them waits between its tries.
  const acts = fc.sample(fc.array(ACT, { minLength: 3, maxLength: 12 }), { numRuns: 150, seed: 5 });
  using dir = tempDir();
  const ended = new Map<number, number>();
  await Promise.all(acts.map(async (acts, index) => {
    await using server = hostile((visit) => play(visit, acts[visit.index % acts.length]));
    const path = dir.at(`f${index}`);
    for (let run = 0; run < 3; run++) {
      const code = await download(`${server.url}/x`, new PartFile(path), run > 0);
      const about = `${index}: ${JSON.stringify(acts)}`;
      ended.set(code, (ended.get(code) ?? 0) + 1);
      if (code === 0) {
        assert(VERSIONS.includes(Deno.readTextFileSync(path)), about);
        break;
      }
      assert(ENDS.includes(code), `${code} ${about}`);
      assertEquals([...Deno.readDirSync(dir.path)].some(({ name }) => name === `f${index}`), false, about);
    }
  }));
  // What it found is not that nothing ever works, or ever fails.
  for (const code of [0, ...ENDS]) assert((ended.get(code) ?? 0) > 2, JSON.stringify([...ended]));
});

Deno.test("a download into a pipe is one version of the content or a true beginning of it, whatever a server does", async () => {
  const acts = fc.sample(fc.array(ACT, { minLength: 3, maxLength: 12 }), { numRuns: 150, seed: 6 });
  const ended = new Map<number, number>();
  await Promise.all(acts.map(async (acts, index) => {
    await using server = hostile((visit) => play(visit, acts[visit.index % acts.length]));
    let out = "";
    const sink = new StreamSink({ write: (bytes) => out += new TextDecoder().decode(bytes) });
    const code = await download(`${server.url}/x`, sink, false);
    const about = `${index}: ${JSON.stringify(acts)}`;
    ended.set(code, (ended.get(code) ?? 0) + 1);
    assert(code === 0 || ENDS.includes(code), `${code} ${about}`);
    const whole = code === 0 || code === 43;
    assert(VERSIONS.some((version) => whole ? version === out : version.startsWith(out)), about);
  }));
  for (const code of [0, ...ENDS]) assert((ended.get(code) ?? 0) > 2, JSON.stringify([...ended]));
});
