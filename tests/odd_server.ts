/** Everything that a server of the tests does wrong, on order: a behaviour a path. Built on hostile_server.ts. */
import { type Hostile, hostile, silence, type Visit } from "./hostile_server.ts";

/** What there is to be had of the server, were it a good one. */
export const TRUTH = Array.from({ length: 1000 }, (_, index) => `line ${index}\n`).join("");
/** What it says after it has changed its mind. */
export const CHANGED = TRUTH.replaceAll("line", "LINE");

const OK = "HTTP/1.1 200 OK";
const LENGTH = `Content-Length: ${TRUTH.length}`;
const TAG = 'ETag: "v1"';

/** The first byte that a visit asks for, or null where it asks for no range. */
function from(visit: Visit): number | null {
  const match = /^bytes=(\d+)-/.exec(visit.headers.get("range") ?? "");
  return match === null ? null : Number(match[1]);
}

async function forEver(visit: Visit, text: string): Promise<void> {
  for (let i = 0; i < 20_000; i++) {
    await visit.send(text);
    await silence(1);
  }
}

/** Sends a part of `body`, and breaks off after `count` bytes. */
async function part(
  visit: Visit,
  body: string,
  { tag = TAG, shift = 0, count = Infinity } = {},
): Promise<void> {
  const start = (from(visit) ?? 0) + shift;
  const range = `Content-Range: bytes ${start}-${body.length - 1}/${body.length}`;
  await visit.head("HTTP/1.1 206 Partial Content", `Content-Length: ${body.length - start}`, range, tag);
  await visit.send(body.slice(start, start + count));
}

/** A whole answer that breaks off after `count` bytes. */
async function begin(visit: Visit, count: number, ...headers: string[]): Promise<void> {
  await visit.head(OK, LENGTH, ...headers);
  await visit.send(TRUTH.slice(0, count));
}

const chunked = (visit: Visit) => visit.head(OK, "Transfer-Encoding: chunked", TAG);

/** What the server does, by the name that is the path. */
export const ODD = {
  // Bodies that are not what was promised.
  "truncates": (visit) => from(visit) === null ? begin(visit, 3000, TAG) : part(visit, TRUTH, { count: 5 }),
  "truncates-without-validator": (visit) => begin(visit, 3000),
  "truncates-once": (visit) => from(visit) === null ? begin(visit, 3000, TAG) : part(visit, TRUTH),
  "truncates-once-weakly": (visit) => begin(visit, visit.index === 0 ? 3000 : Infinity, 'ETag: W/"v1"'),
  "promises-less": async (visit) => {
    await visit.head(OK, "Content-Length: 5");
    await visit.send("hellofrom another answer");
  },
  "promises-two-lengths": (visit) => visit.head(OK, "Content-Length: 5", "Content-Length: 6"),
  "promises-a-negative-length": (visit) => visit.head(OK, "Content-Length: -5"),
  "promises-an-absurd-length": (visit) => visit.head(OK, "Content-Length: 99999999999999999999"),
  "promises-a-length-beside-chunks": (visit) =>
    visit.head(OK, "Transfer-Encoding: chunked", "Content-Length: 5"),
  "codes-as-nobody-asked": (visit) => visit.head(OK, "Transfer-Encoding: gzip, chunked"),
  "compresses": (visit) => visit.answer("200 OK", "\x1f\x8b not really", "Content-Encoding: gzip"),
  // Ranges.
  "sends-a-part": (visit) => part(visit, TRUTH, { shift: 100 }),
  "sends-another-part": (visit) =>
    from(visit) === null ? begin(visit, 3000, TAG) : part(visit, TRUTH, { shift: 5 }),
  "sends-a-part-of-something-else": (visit) =>
    from(visit) === null ? begin(visit, 3000, TAG) : part(visit, CHANGED, { tag: 'ETag: "v2"' }),
  "sends-a-part-without-a-tag": (visit) =>
    from(visit) === null ? begin(visit, 3000, TAG) : part(visit, CHANGED, { tag: "X: y" }),
  "sends-a-part-without-saying-which": (visit) =>
    from(visit) === null
      ? begin(visit, 3000, TAG)
      : visit.answer("206 Partial Content", CHANGED.slice(3000), TAG),
  "changes": (visit) =>
    from(visit) === null ? begin(visit, 3000, TAG) : visit.answer("200 OK", CHANGED, 'ETag: "v2"'),
  "vanishes": (visit) =>
    from(visit) === null ? begin(visit, 3000, TAG) : visit.answer("404 Not Found", "gone meanwhile"),
  // Time.
  "says-nothing": () => silence(),
  "says-half-a-head": async (visit) => {
    await visit.send(`${OK}\r\nX-`);
    await silence();
  },
  "drips": async (visit) => {
    await visit.head(OK, LENGTH, TAG);
    for (const character of TRUTH.slice(0, 50)) {
      await visit.send(character);
      await silence(200);
    }
  },
  "drips-a-head": (visit) => forEver(visit, "x"),
  "never-ends": async (visit) => {
    await visit.head(OK);
    await forEver(visit, "x".repeat(1000));
  },
  "never-ends-in-chunks": async (visit) => {
    await chunked(visit);
    await forEver(visit, "1\r\nx\r\n");
  },
  "never-ends-an-error": async (visit) => {
    await visit.head("HTTP/1.1 404 Not Found");
    await forEver(visit, "x");
  },
  "never-ends-its-trailer": async (visit) => {
    await chunked(visit);
    await visit.send("5\r\nhello\r\n0\r\n");
    await forEver(visit, `X: ${"y".repeat(1000)}\r\n`);
  },
  "floods-with-100": async (visit) => {
    await forEver(visit, "HTTP/1.1 100 Continue\r\n\r\n".repeat(50));
  },
  // Framing.
  "closes": () => Promise.resolve(),
  "is-no-http": (visit) => visit.send("SSH-2.0-OpenSSH_9.2\r\n\r\n"),
  "is-http-2": (visit) =>
    visit.send("\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64\0\x04\0\0\xff\xff\0\x05\0\0\x40\0"),
  "is-http-0.9": (visit) => visit.send("<html>hello</html>\n"),
  "switches-protocols": (visit) => visit.head("HTTP/1.1 101 Switching Protocols", "Upgrade: x"),
  "counts-chunks-in-words": async (visit) => {
    await chunked(visit);
    await visit.send("five\r\nhello\r\n0\r\n\r\n");
  },
  "counts-chunks-too-high": async (visit) => {
    await chunked(visit);
    await visit.send("FFFFFFFFFFFFFFFFF\r\nhello");
  },
  "counts-chunks-below-zero": async (visit) => {
    await chunked(visit);
    await visit.send("-5\r\nhello\r\n0\r\n\r\n");
  },
  "miscounts-chunks": async (visit) => {
    await chunked(visit);
    await visit.send("3\r\nhello\r\n0\r\n\r\n");
  },
  "leaves-out-the-last-chunk": async (visit) => {
    await chunked(visit);
    await visit.send("5\r\nhello\r\n");
  },
  "extends-chunks-for-ever": async (visit) => {
    await chunked(visit);
    await visit.send("5;");
    await forEver(visit, "x".repeat(1000));
  },
  // Heads.
  "sends-a-long-header": (visit) => visit.head(OK, `X: ${"y".repeat(1_000_000)}`, LENGTH),
  "sends-many-headers": (visit) =>
    visit.head(OK, ...Array.from({ length: 10_000 }, (_, i) => `X-${i}: y`), LENGTH),
  "sends-a-bare-cr": (visit) => visit.head(OK, "X: a\rb", LENGTH),
  "sends-a-nul": (visit) => visit.head(OK, "X: a\0b", LENGTH),
  "sends-a-folded-header": (visit) => visit.head(OK, "X: a", " b", LENGTH),
  "sends-a-header-without-a-colon": (visit) => visit.head(OK, "X", LENGTH),
  "sends-escapes": (visit) =>
    visit.answer("404 \x1b[31mred\x1b]0;title\x07", "{}", "Content-Type: application/problem+json"),
  "sends-escapes-in-a-problem": (visit) =>
    visit.answer("500 No", '{"detail":"\\u001b[31mred\\u0007"}', "Content-Type: application/problem+json"),
  // Redirects.
  "leads-to-a-file": (visit) => visit.answer("302 Found", "", "Location: file:///etc/passwd"),
  "leads-to-a-script": (visit) => visit.answer("301 Moved", "", "Location: javascript:alert(1)"),
  "leads-nowhere": (visit) => visit.answer("302 Found", "", "Location: http://[::"),
  "leads-to-itself": (visit) => visit.answer("307 Again", "", `Location: ${visit.target}`),
  "leads-to-escapes": (visit) => visit.answer("302 Found", "", "Location: gopher://\x9b31m/"),
} as const satisfies Record<string, (visit: Visit) => Promise<void>>;

/** Answers with a beginning and then resets the connection: what it leaves unread of the request sees to that. */
export function resettingServer(): Hostile {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const serving = (async () => {
    for await (const connection of listener) {
      await connection.read(new Uint8Array(1));
      await connection.write(new TextEncoder().encode(`${OK}\r\n${LENGTH}\r\n\r\n${TRUTH.slice(0, 3000)}`));
      connection.close();
    }
  })().catch(() => {});
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    visits: [],
    async [Symbol.asyncDispose]() {
      listener.close();
      await serving;
    },
  };
}

/** The name of a behaviour. */
export type Oddity = keyof typeof ODD;

/** A server on which each oddity has a path of its name, each with visits counted on their own. */
export function oddServer(): Hostile {
  const counts = new Map<string, number>();
  return hostile(async (visit) => {
    const name = visit.target.slice(1).replace(/\/.*/, "");
    const index = counts.get(visit.target) ?? 0;
    counts.set(visit.target, index + 1);
    const behaviour: (visit: Visit) => Promise<void> = ODD[name as Oddity];
    if (behaviour !== undefined) await behaviour({ ...visit, index });
  });
}
