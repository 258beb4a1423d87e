import { assert, assertEquals } from "@std/assert";
import { ferry, tempDir } from "./harness.ts";
import { CHANGED, ODD, type Oddity, oddServer, resettingServer, TRUTH } from "./odd_server.ts";

interface Expected {
  /** Exit status into a pipe, and what comes out: all of it with status 0, else a beginning of it. */
  pipe: [code: number, stdout: string];
  /** Exit status into a file, and what it holds; null for no file. */
  file: [code: number, content: string | null];
  /** Whether a part is kept, to be gone on with. */
  part?: boolean;
}

/** Nothing comes out, nor does a file appear. */
const refused = (code: number): Expected => ({ pipe: [code, ""], file: [code, null] });
const whole = (content: string): Expected => ({ pipe: [0, content], file: [0, content] });
/** It breaks off: what came out is a beginning of `content`. */
const cut = (code: number, content: string, part = false): Expected => ({
  pipe: [code, content],
  file: [code, null],
  part,
});

const BEGUN = TRUTH.slice(0, 3000);
const MANY = "x".repeat(30_000_000);

const TABLE: Record<Oddity, Expected> = {
  "truncates": cut(18, TRUTH, true),
  "truncates-without-validator": cut(18, BEGUN),
  "truncates-once": whole(TRUTH),
  "truncates-once-weakly": { pipe: [18, BEGUN], file: [0, TRUTH] },
  "promises-less": whole("hello"),
  "promises-two-lengths": refused(22),
  "promises-a-negative-length": refused(22),
  "promises-an-absurd-length": refused(22),
  "promises-a-length-beside-chunks": refused(22),
  "codes-as-nobody-asked": refused(22),
  "compresses": whole("\x1f not really"),
  "sends-a-part": refused(22),
  "sends-another-part": cut(18, BEGUN, true),
  "sends-a-part-of-something-else": cut(18, BEGUN, true),
  "sends-a-part-without-a-tag": cut(18, BEGUN, true),
  "sends-a-part-without-saying-which": cut(18, BEGUN, true),
  "changes": { pipe: [18, BEGUN], file: [0, CHANGED] },
  "vanishes": cut(22, BEGUN, true),
  "says-nothing": refused(28),
  "says-half-a-head": refused(28),
  "drips": cut(28, TRUTH, true),
  "drips-a-head": refused(22),
  "never-ends": cut(28, MANY),
  "never-ends-in-chunks": cut(28, MANY),
  "never-ends-an-error": refused(28),
  "never-ends-its-trailer": cut(22, "hello"),
  "floods-with-100": refused(22),
  "closes": refused(18),
  "is-no-http": refused(22),
  "is-http-2": refused(22),
  "is-http-0.9": refused(22),
  "switches-protocols": refused(22),
  "counts-chunks-in-words": refused(22),
  "counts-chunks-too-high": refused(22),
  "counts-chunks-below-zero": refused(22),
  "miscounts-chunks": cut(22, "hel"),
  "leaves-out-the-last-chunk": cut(18, "hello"),
  "extends-chunks-for-ever": refused(22),
  "sends-a-long-header": refused(22),
  "sends-many-headers": refused(22),
  "sends-a-bare-cr": refused(22),
  "sends-a-nul": refused(22),
  "sends-a-folded-header": refused(22),
  "sends-a-header-without-a-colon": refused(22),
  "sends-escapes": refused(22),
  "sends-escapes-in-a-problem": refused(22),
  "leads-to-a-file": refused(3),
  "leads-to-a-script": refused(3),
  "leads-nowhere": refused(3),
  "leads-to-itself": refused(47),
  "leads-to-escapes": refused(3),
};

/** Soon for what has to run into the time limit, once there is a part, late for what must not, on any machine. */
function argsFor({ pipe, file, part }: Expected): string[] {
  const timeout = pipe[0] === 28 || file[0] === 28 ? part ? "2s" : "700ms" : "12s";
  return ["request", "--retry", "1", "--timeout", timeout, "--max-redirects", "3"];
}

/** Longer than any of it may take, and shorter than the server goes on. */
const LIMIT = { timeoutMs: 15_000 };

/** Nothing in it moves a cursor, or sets the title of a terminal. */
function isHarmless(text: string): boolean {
  // deno-lint-ignore no-control-regex -- control characters are what this is about
  return !/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/.test(text);
}

async function check(name: string, url: string, expected: Expected): Promise<void> {
  const { pipe, file, part = false } = expected;
  const args = argsFor(expected);
  const piped = await ferry([...args, `${url}/pipe`], LIMIT);
  assertEquals([name, piped.code], [name, pipe[0]], piped.stderr);
  if (pipe[0] === 0) assertEquals(piped.stdout.replace("\ufffd", ""), pipe[1]);
  else assert(pipe[1].startsWith(piped.stdout), `${name}: a wrong byte in ${piped.stdout.length}`);
  using dir = tempDir();
  const saved = await ferry([...args, "-o", dir.at("f"), `${url}/file`], LIMIT);
  assertEquals([name, saved.code], [name, file[0]], saved.stderr);
  const names = [...Deno.readDirSync(dir.path)].map((entry) => entry.name).sort();
  const kept = part ? ["f.ferry-part", "f.ferry-part.json"] : [];
  assertEquals([name, names], [name, file[1] === null ? kept : ["f"]]);
  if (file[1] !== null) assertEquals(Deno.readTextFileSync(dir.at("f")).replace("\ufffd", ""), file[1]);
  if (part) assert(TRUTH.startsWith(Deno.readTextFileSync(dir.at("f.ferry-part"))));
  for (const { code, stderr } of [piped, saved]) {
    assert(isHarmless(stderr), `${name}: ${JSON.stringify(stderr)}`);
    if (code !== 0) assert(stderr.includes("127.0.0.1"), `${name} names no host: ${stderr}`);
  }
}

Deno.test("request ends as it should, in time and without a wrong byte, whatever a server does", async () => {
  await using server = oddServer();
  await using resetting = resettingServer();
  const left = Object.keys(ODD) as Oddity[];
  const work = async () => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) {
      await check(name, `${server.url}/${name}`, TABLE[name]);
    }
  };
  await Promise.all([
    ...Array.from({ length: 4 }, work),
    check("resets", resetting.url, cut(18, BEGUN)),
  ]);
});

Deno.test("request says that a content is compressed though that was not asked for", async () => {
  await using server = oddServer();
  const run = await ferry(["request", `${server.url}/compresses`]);
  assert(run.stderr.includes("comes under gzip, which was not asked for"), run.stderr);
  const asked = await ferry(["request", "-H", "Accept-Encoding: gzip", `${server.url}/compresses`]);
  assertEquals([asked.code, asked.stderr], [0, ""]);
});
