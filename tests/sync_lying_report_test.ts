/** What a server says of a job that it runs, and of the head of its tree, when it lies. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { tempDir } from "./harness.ts";
import { paths, sync } from "./sync_fixtures.ts";

const JOB = '{"job":"5f0c1a52-6a53-4b0e-9f6e-0d9b1f1f2a11"}\n';
const COUNTS =
  '"created":1,"updated":0,"deleted":0,"moved":0,"conflicts":0,"problems":0,"files":1,"bytes_content":1,' +
  '"bytes_sent":0,"bytes_received":0,"ms":1';
const DONE = `{"event":"done","ok":true,${COUNTS}}\n`;
const CHANGE = '{"event":"change","op":"create","path":"a","bytes":1}\n';

const info = () =>
  Response.json({ ferry: "9.9.9", protocol: 1, kind: "dir", permissions: "rwds", jobs: true });

/** `text`, then `more` without end. */
function endless(text: string, more: string): ReadableStream<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  let first = true;
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(encoder.encode(first ? text : more));
      first = false;
    },
  });
}

interface Answers {
  token?: () => Response;
  jobs?: () => Response;
  head?: () => Response;
}

/** A server that answers as it is told, and `info` honestly. */
function liar(answers: Answers) {
  const seen: string[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    const call = pathname.slice("/.ferry/v1/".length);
    seen.push(`${request.method} ${call}`);
    await request.body?.cancel();
    if (call === "info") return info();
    const answer = Object.hasOwn(answers, call) ? answers[call as keyof Answers] : undefined;
    return answer?.() ?? new Response(null, { status: 404 });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    seen,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const token = () => Response.json({ token: "abc", expires: Date.now() + 600_000 });

interface Case {
  name: string;
  report: () => BodyInit;
  code: number;
  says: string;
}

const CASES: Case[] = [
  { name: "nothing", report: () => "", code: 18, says: "broke off" },
  { name: "a job and no more", report: () => JOB, code: 18, says: "broke off" },
  { name: "a page", report: () => "<html>\n", code: 22, says: "not JSON" },
  { name: "an event before its job", report: () => DONE, code: 22, says: '"job"' },
  { name: "an id that is a path", report: () => '{"job":"../token"}\n' + DONE, code: 22, says: "id" },
  { name: "endless jobs", report: () => endless(JOB, JOB), code: 22, says: "begins twice" },
  { name: "endless empty lines", report: () => endless(JOB, "\n".repeat(50)), code: 22, says: "empty lines" },
  {
    name: "endless empty lines behind its end",
    report: () => endless(JOB + DONE, "\n"),
    code: 22,
    says: "empty",
  },
  {
    name: "events behind its end",
    report: () => endless(JOB + DONE, CHANGE),
    code: 22,
    says: "behind the last",
  },
  {
    name: "an endless line",
    report: () => endless(JOB + '{"x":"', "x".repeat(65_536)),
    code: 22,
    says: "line",
  },
  {
    name: "a line of brackets",
    report: () => JOB + "[".repeat(100_000) + "\n",
    code: 22,
    says: "nested more than 8 deep",
  },
  {
    name: "a path past all",
    report: () => JOB + CHANGE.replace('"a"', JSON.stringify("a".repeat(10_000))),
    code: 22,
    says: '"path"',
  },
  {
    name: "another operation",
    report: () => JOB + CHANGE.replace("create", "format"),
    code: 22,
    says: '"op"',
  },
  { name: "negative counts", report: () => JOB + DONE.replace('"ms":1', '"ms":-1'), code: 22, says: '"ms"' },
  { name: "text that is not UTF-8", report: () => new Uint8Array([0xff, 10]), code: 22, says: "UTF-8" },
  {
    name: "an error that nobody knows",
    report: () => JOB + '{"event":"error","code":"__proto__","message":"a\\u001b[2Jb\\u009bc"}\n',
    code: 22,
    says: "a\\x1b[2Jb",
  },
];

for (const { name, report, code, says } of CASES) {
  Deno.test(`sync of two URLs ends when the report of the job is ${name}`, async () => {
    await using from = liar({ token });
    await using to = liar({ jobs: () => new Response(report()) });
    const run = await sync([from.url, to.url], { timeoutMs: 30_000 });
    assertEquals([run.code, run.done.ok], [code, false], run.stderr);
    assertStringIncludes(run.stderr, says);
    // deno-lint-ignore no-control-regex -- what a terminal would obey is what is looked for
    assert(!/[\x00-\x09\x0b-\x1f\x7f-\x9f]|internal error/.test(run.stderr), JSON.stringify(run.stderr));
    assertEquals(to.seen.filter((call) => call.startsWith("PUT")), []);
  });
}

Deno.test("sync of two URLs asks for no token again and again, whenever the last one is said to end", async () => {
  const expires = [0, Date.now() + 2 ** 33, Number.MAX_SAFE_INTEGER];
  for (const time of expires) {
    await using from = liar({ token: () => Response.json({ token: "abc", expires: time }) });
    await using to = liar({
      jobs: () => {
        const encoder = new TextEncoder();
        return new Response(
          new ReadableStream({
            async start(controller) {
              controller.enqueue(encoder.encode(JOB));
              await new Promise((resolve) => setTimeout(resolve, 300));
              controller.enqueue(encoder.encode(DONE));
              controller.close();
            },
          }),
        );
      },
    });
    const run = await sync([from.url, to.url]);
    assertEquals([run.code, run.stderr], [0, ""]);
    assertEquals(from.seen.filter((call) => call === "POST token").length, 1);
  }
});

Deno.test("sync of two URLs takes no token that is none", async () => {
  const tokens: [string, () => Response][] = [
    ["a page", () => new Response("<html>")],
    ["two lines", () => Response.json({ token: "a\r\nHost: x", expires: 1 })],
    ["no end", () => Response.json({ token: "abc" })],
    ["too much", () => Response.json({ token: "a".repeat(20_000), expires: 1 })],
    ["without end", () => new Response(endless('{"token":"', "a".repeat(65_536)))],
  ];
  for (const [name, token] of tokens) {
    await using from = liar({ token });
    await using to = liar({ jobs: () => new Response(JOB + DONE) });
    const run = await sync([from.url, to.url], { timeoutMs: 30_000 });
    assertEquals([name, run.code], [name, 22], run.stderr);
    assert(!to.seen.includes("POST jobs"), name);
  }
});

Deno.test("sync believes no head that is malformed", async () => {
  const honest = { replica: "a", epoch: "b", seq: 1, root: "0".repeat(64), files: 3, rules: false };
  const heads: [string, () => Response][] = [
    ["a page", () => new Response("<html>")],
    ["a list", () => Response.json([honest])],
    ["another root", () => Response.json({ ...honest, root: "0".repeat(63) })],
    ["a root in capitals", () => Response.json({ ...honest, root: "A".repeat(64) })],
    ["a negative number", () => Response.json({ ...honest, seq: -1 })],
    ["half a file", () => Response.json({ ...honest, files: 0.5 })],
    ["an id of two lines", () => Response.json({ ...honest, epoch: "a\n" })],
    ["no word of rules", () => Response.json({ ...honest, rules: undefined })],
    ["too much", () => Response.json({ ...honest, more: "x".repeat(4000) })],
    ["without end", () => new Response(endless("{", " ".repeat(65_536)))],
    ["a redirect", () => new Response(null, { status: 302, headers: { location: "/" } })],
    ["what was not asked for", () => new Response(null, { status: 304 })],
  ];
  for (const [name, head] of heads) {
    using dir = tempDir({ "dst/f": "x" });
    await using server = liar({ head });
    const run = await sync([server.url, dir.at("dst")], { timeoutMs: 30_000 });
    assertEquals([name, run.code, paths(dir.at("dst"))], [name, 22, ["f"]], run.stderr);
    assertStringIncludes(run.stderr, server.url.slice(7, -1));
    assert(server.seen.includes("GET head"), name);
  }
});
