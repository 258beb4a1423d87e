/**
 * 10,000 requests by chance (fuzz_grammar.ts): never a 500, never a silence, nothing from outside the share or of what
 * only others may read, and no memory that is not given back. `FERRY_FUZZ_SEED` has other ones, or those that failed
 * again; `FERRY_FUZZ_REQUESTS` more or fewer.
 */
import { assert, assertEquals } from "@std/assert";
import { chance } from "./faults.ts";
import { type FuzzRequest, fuzzRequest } from "./fuzz_grammar.ts";
import { serve, type TempDir, tempDir } from "./harness.ts";
import { type RawAnswer, RawConnection } from "./raw_client.ts";

const SEED = Number(Deno.env.get("FERRY_FUZZ_SEED") ?? 1);
const REQUESTS = Number(Deno.env.get("FERRY_FUZZ_REQUESTS") ?? 10_000);

/** At a time, each on a connection of its own. */
const CLIENTS = 8;

/** An answer that takes longer never comes. */
const PATIENCE_MS = 20_000;

/** What must never come out: beside the share, and where only Ann may read. */
const OUTSIDE = "CANARY-OUTSIDE-5f1d";
const PRIVATE = "CANARY-PRIVATE-77ab";
/** What has a dot in front comes out in a replica only. */
const HIDDEN = "CANARY-HIDDEN-c0de";

const WRONG = new Set([500, 502, 504]);

function makeTree(): TempDir {
  const dir = tempDir({ "outside/secret.txt": OUTSIDE, "secret.txt": OUTSIDE, "share/a.txt": "a" });
  restore(dir);
  return dir;
}

/** The share as it was, whatever has become of it. */
function restore(dir: TempDir): void {
  const share = dir.at("share");
  for (const { name } of Deno.readDirSync(share)) {
    if (name !== ".ferry") quietly(() => Deno.removeSync(`${share}/${name}`, { recursive: true }));
  }
  const files = {
    "a.txt": "a",
    "b.txt": "b".repeat(3000),
    "page.html": "<h1>page</h1>".repeat(200),
    "data.json": "[1]",
    "big.bin": "0123456789".repeat(50_000),
    "é ü": "x",
    "dir/a.txt": "a",
    "dir/b.txt": "b",
    "dir/sub/a.txt": "a",
    "private/p.txt": PRIVATE,
    "private/a.txt": PRIVATE,
    "dir/private/p.txt": "no secret",
    ".hidden/x": HIDDEN,
    ".env": HIDDEN,
  };
  for (const [path, text] of Object.entries(files)) {
    quietly(() => {
      Deno.mkdirSync(`${share}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      Deno.writeTextFileSync(`${share}/${path}`, text);
    });
  }
  const links = {
    "link": "a.txt",
    "linked": "dir",
    "out": "../outside",
    "out-file": "../secret.txt",
    "dangling": "nowhere",
    "loop": "loop",
    "dir/out": "../../outside",
    "dir/link": "../private",
  };
  for (const [path, target] of Object.entries(links)) {
    quietly(() => Deno.symlinkSync(target, `${share}/${path}`));
  }
}

/** Requests go on meanwhile, and may be quicker. */
function quietly(act: () => void): void {
  try {
    act();
  } catch (error) {
    const expected = [
      Deno.errors.NotFound,
      Deno.errors.AlreadyExists,
      Deno.errors.IsADirectory,
      Deno.errors.NotADirectory,
    ];
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (!expected.some((kind) => error instanceof kind) && code !== "ENOTEMPTY") throw error;
  }
}

function outsideOf(dir: TempDir): string {
  const names = [...Deno.readDirSync(dir.path), ...Deno.readDirSync(dir.at("outside"))].map(({ name }) =>
    name
  );
  return JSON.stringify([names.sort(), Deno.readTextFileSync(dir.at("secret.txt"))]);
}

function rss(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(Deno.readTextFileSync(`/proc/${pid}/status`))![1]) / 1024;
}

/** Why an answer, or all that a connection said, is wrong; null when it is not. */
function wrong(dir: TempDir, request: FuzzRequest, statuses: number[], text: string): string | null {
  const status = statuses.find((status) => WRONG.has(status));
  if (status !== undefined) return `it was answered ${status}`;
  const secrets = [OUTSIDE, PRIVATE, dir.path, "root:x:0:"];
  if (!request.text.includes(".ferry/v1/")) secrets.push(HIDDEN);
  for (const secret of secrets) {
    if (text.includes(secret)) return `the answer holds ${secret}`;
  }
  return null;
}

async function within<T>(promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** One client: sends what `next` gives until that is null. Throws at the first wrong answer, with the request. */
async function attack(
  dir: TempDir,
  port: number,
  next: () => FuzzRequest | null,
  counts: Map<number, number>,
): Promise<void> {
  let connection = await RawConnection.to(port);
  for (let request = next(); request !== null; request = next()) {
    let why: string | null;
    try {
      if (request.framed) {
        await connection.send(request.text);
        const answer: RawAnswer | null = await within(connection.answer(request.method));
        why = answer && wrong(dir, request, [answer.status], answer.head + answer.body);
        if (answer !== null) counts.set(answer.status, (counts.get(answer.status) ?? 0) + 1);
        if (answer?.open) {
          if (why === null) continue;
        }
        connection.close();
      } else {
        connection.close();
        const single = await RawConnection.to(port);
        await single.send(request.text);
        await single.endSending();
        const text = await within(single.rest());
        single.close();
        why = wrong(
          dir,
          request,
          [...text.matchAll(/^HTTP\/1\.[01] (\d{3})/gm)].map((match) => Number(match[1])),
          text,
        );
      }
    } catch (error) {
      why = error instanceof Error ? error.message : String(error);
    }
    if (why !== null) {
      throw new Error(`FERRY_FUZZ_SEED=${SEED}: ${why}, to ${JSON.stringify(request.text.slice(0, 2000))}`);
    }
    connection = await RawConnection.to(port);
  }
  connection.close();
}

/** What a server says of its own mistakes. */
function troubles(log: string): string[] {
  return log.split("\n").filter((line) => /^ferry: (?!serving|refused|a body broke off)/.test(line));
}

Deno.test(`serve holds out against ${REQUESTS} requests by chance`, async () => {
  using dir = makeTree();
  const users = ["bob:pw@/:rwd,/private:none", "ann:a-long-password@/private:rwd"];
  const rules = ["--anonymous", "none", ...users.flatMap((user) => ["--auth", user])];
  await using server = await serve(dir.at("share"), [
    ...rules,
    "--cors",
    "http://app.example",
    "--max-upload",
    "1M",
  ]);
  const random = chance(SEED);
  const counts = new Map<number, number>();
  let sent = 0, before = 0;
  const outside = outsideOf(dir);
  const next = () => {
    if (sent === REQUESTS) return null;
    if (sent % 500 === 0) restore(dir);
    if (sent === Math.floor(REQUESTS / 4)) before = rss(server.pid);
    sent++;
    return fuzzRequest(random, `Authorization: Basic ${btoa("bob:pw")}`);
  };
  try {
    await Promise.all(Array.from({ length: CLIENTS }, () => attack(dir, server.port, next, counts)));
  } catch (error) {
    // What the server says of it comes a moment later.
    await server.stop();
    throw new Error(
      `${error instanceof Error ? error.message : error}\n${troubles(server.log()).join("\n")}`,
    );
  }
  const after = rss(server.pid);
  assertEquals(outsideOf(dir), outside, `FERRY_FUZZ_SEED=${SEED}`);
  assert(
    after - before < 120,
    `FERRY_FUZZ_SEED=${SEED}: ${before} MB after a quarter, ${after} MB at the end`,
  );
  // It must have come further than to the first refusal.
  for (const status of [200, 201, 204, 206, 207, 301, 400, 401, 403, 404, 405, 409, 412, 415]) {
    if (REQUESTS >= 10_000) assert(counts.has(status), `no request was answered ${status}`);
  }
  restore(dir);
  const headers = { authorization: `Basic ${btoa("bob:pw")}` };
  assertEquals(await (await fetch(`${server.url}/a.txt`, { headers })).text(), "a");
  assertEquals(await server.stop(), 0);
  assertEquals(troubles(server.log()), [], `FERRY_FUZZ_SEED=${SEED}`);
  if (Deno.env.has("FERRY_FUZZ_SEED")) {
    console.error([...counts].sort().map(([s, n]) => `${s}: ${n}`).join(", "));
  }
});
