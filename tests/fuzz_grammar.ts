/** Requests as nobody sane would send them, and such as one would: made from a grammar by chance. */

/** A number from 0 to 1. */
export type Chance = () => number;

/** A request, byte for byte (each character one byte). */
export interface FuzzRequest {
  text: string;
  method: string;
  /** Whether all readers agree on where it ends, so that another one may follow on the connection. */
  framed: boolean;
}

/** The next request that `random` decides, mostly with the header line `login`. */
export function fuzzRequest(random: Chance, login: string): FuzzRequest {
  const make = new Maker(random);
  if (make.chance(0.2)) return make.plain(login);
  const method = make.method();
  const body = make.body();
  const framing = make.framing(body);
  const lines = [
    `${method} ${make.target()} ${make.version()}`,
    ...make.hosts(),
    ...(make.chance(0.9) ? [login] : []),
    ...make.headers(),
    ...framing.headers,
  ];
  if (make.chance(0.02)) lines.splice(1 + make.below(lines.length), 0, make.malformedLine());
  const eol = make.chance(0.01) ? "\n" : "\r\n";
  const framed = framing.framed && eol === "\r\n" && /^[A-Z]+$/.test(method) && method !== "CONNECT";
  return { text: lines.join(eol) + eol + eol + framing.body, method, framed };
}

const METHODS = "GET HEAD PUT DELETE MKCOL MOVE COPY OPTIONS PROPFIND PROPPATCH LOCK UNLOCK POST PATCH".split(
  " ",
);
const ODD_METHODS = [
  "TRACE",
  "CONNECT",
  "get",
  "G",
  "M-SEARCH",
  "X".repeat(300),
  "GET\t",
  "\x01",
  "PRI",
  "__proto__",
];

/** What the share of the test has, and what it has not. */
const NAMES = [
  ..."a.txt dir sub b.txt page.html data.json big.bin link linked private p.txt out out-file dangling loop new n2"
    .split(" "),
  "é ü",
];

/** Other spellings of a name, and what is none. */
const SEGMENTS = [
  "..",
  ".",
  "%2e%2e",
  "%2E.",
  ".%2e",
  "%252e%252e",
  "..%2f",
  "..%5c",
  "%5c..",
  "..\\",
  "%2f",
  "%00",
  "a.txt%00",
  "a%00.txt",
  "%c0%ae%c0%ae",
  "%c0%af",
  "%e0%80%ae",
  "%ed%a0%80",
  "%ff",
  "\xff\xfe",
  "\xc3\xa9",
  "%",
  "%2",
  "%zz",
  "%u002e",
  ".ferry",
  "%2eferry",
  ".FERRY",
  ".hidden",
  "%2ehidden",
  ";x=1",
  "a.txt;v=1",
  "a.txt.",
  "a.txt ",
  "a.txt%20",
  "a.txt::$DATA",
  "__proto__",
  "constructor",
  "hasOwnProperty",
  "x".repeat(255),
  "x".repeat(256),
  "%41".repeat(90),
  "*",
  "~",
  "~root",
  "$HOME",
  "{a,b}",
  "[a-z]",
  "'",
  '"',
  "<b>",
  "%3Cscript%3E",
  "%0d%0aX-Injected:%201",
  "%1b[2J",
  "%e2%80%ae",
  "etc",
  "passwd",
  "proc",
  "self",
];

const CALLS = (
  "health ready metrics tus/ tus/x v1/info v1/tree v1/head v1/changes v1/pack v1/hashes v1/file v1/session v1/session/x " +
  "v1/finish/x v1/stage/x v1/stage/x/1 v1/left/x v1/commit/x v1/chunks v1/delta v1/delta/x/y v1/jobs v1/token v1/ v2/info v0/ x"
).split(" ");

const DATES = [
  "Thu, 01 Jan 1970 00:00:00 GMT",
  "Fri, 31 Dec 9999 23:59:59 GMT",
  "yesterday",
  "0",
  "Mon, 23 Nov 2026 07:00:00 GMT",
];
const TAGS = ["*", '"x"', 'W/"x"', '"', "x", '"a", "b"', '""', ",,,", '"\x80"'];
const CODINGS = [
  "gzip",
  "br",
  "zstd",
  "identity",
  "*;q=0",
  "gzip;q=2",
  "deflate",
  "gzip, gzip",
  "x".repeat(200),
];
const TYPES = [
  "text/html",
  "application/json",
  "*/*",
  "text/plain;q=0.1",
  ";;;",
  "application/xml",
  "text/xml; charset=utf-16",
  "x",
];
const LOCKS = ["<urn:uuid:00000000-0000-0000-0000-000000000000>", "<opaquelocktoken:x>", "<x", "x", "<>"];
const DIGESTS = [
  "sha-256=1",
  "sha-256=:AAAA:",
  "sha-256=:" + "A".repeat(43) + "=:",
  "md5=1",
  "=",
  "sha-256=;",
  "sha-512=10, sha-256=0",
];

const XML = {
  open: ["propfind", "propertyupdate", "lockinfo", "x", "D:propfind", "prop"],
  inner: [
    "<D:prop><D:getetag/></D:prop>",
    "<D:allprop/>",
    "<D:propname/>",
    "<D:allprop/><D:include><D:lockdiscovery/></D:include>",
    '<D:set><D:prop><x xmlns="urn:x">v</x></D:prop></D:set>',
    '<D:remove><D:prop><x xmlns="urn:x"/></D:prop></D:remove>',
    "<D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner>me</D:owner>",
    "<D:lockscope><D:shared/></D:lockscope><D:locktype><D:write/></D:locktype>",
    "&lol;",
    "&#0;",
    "]]>",
    "<![CDATA[x]]>",
    "<!--x-->",
    "\xff",
    "<D:prop><getetag/></D:prop>",
    "<a:b/>",
    "<D:prop><D:quota-used-bytes/><D:supportedlock/><D:resourcetype/></D:prop>",
  ],
  before: [
    "",
    '<?xml version="1.0"?>',
    '<?xml version="1.0" encoding="utf-16"?>',
    '<!DOCTYPE x [<!ENTITY lol SYSTEM "file:///etc/passwd">]>',
    '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY lol "&a;&a;&a;">]>',
  ],
};

class Maker {
  constructor(readonly random: Chance) {}

  chance(of: number): boolean {
    return this.random() < of;
  }

  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  one<T>(from: readonly T[]): T {
    return from[this.below(from.length)];
  }

  many(most: number, make: () => string): string[] {
    return Array.from({ length: this.below(most + 1) }, make);
  }

  /** One with at most one thing that is odd: it comes far. */
  plain(login: string): FuzzRequest {
    const method = this.chance(0.4) ? "GET" : this.one(METHODS);
    const path = this.one([
      "/a.txt",
      "/big.bin",
      "/dir/",
      "/dir/a.txt",
      "/linked/b.txt",
      "/",
      "/new",
      "/n2/x",
      "/dir/sub",
      "/page.html",
    ]);
    const lines = [`${method} ${path}${this.query()} HTTP/1.1`, "Host: x", login];
    if (method === "MOVE" || method === "COPY") {
      lines.push(`Destination: /${this.one(["new", "n2", "dir/new", "dir/sub/x"])}`);
    }
    if (this.chance(0.2)) lines.push("Range: bytes=0-9, 100-200");
    if (this.chance(0.7)) lines.push(this.header());
    const text = method === "PUT" ? "content" : /^(PROP|LOCK)/.test(method) ? this.xml() : "";
    if (text !== "") lines.push(`Content-Length: ${text.length}`);
    return { text: lines.join("\r\n") + "\r\n\r\n" + text, method, framed: true };
  }

  method(): string {
    return this.chance(0.95) ? this.one(METHODS) : this.one(ODD_METHODS);
  }

  version(): string {
    return this.chance(0.97)
      ? "HTTP/1.1"
      : this.one(["HTTP/1.0", "HTTP/2.0", "HTTP/9.9", "HTTP", "", "http/1.1"]);
  }

  segment(): string {
    return this.chance(0.75) ? encodeURIComponent(this.one(NAMES)) : this.one(SEGMENTS);
  }

  path(): string {
    if (this.chance(0.08)) return `/.ferry/${this.one(CALLS)}`;
    // Mostly short, so that much of it is there.
    const segments = Array.from({ length: 1 + this.below(this.chance(0.9) ? 3 : 12) }, () => this.segment());
    return (this.chance(0.03) ? "" : "/") + segments.join(this.chance(0.02) ? "//" : "/") +
      (this.chance(0.3) ? "/" : "");
  }

  query(): string {
    if (this.chance(0.65)) return "";
    const pair = () =>
      this.one([
        "format=json",
        "format=html",
        "format=text",
        "format=",
        "archive=zip",
        "archive=tar",
        "archive=tar.gz",
        "archive=x",
        "download",
        "download=1",
        "path=",
        "path=dir",
        "path=../..",
        "path=private",
        "path=%2e%2e",
        "path=/etc",
        "wait=0",
        "since=1",
        "epoch=x",
        "source=http://127.0.0.1:1/",
        "%",
        "&&",
        "=",
        "a=" + "b".repeat(100),
        "token=x",
        "%00",
      ]);
    return `?${this.many(3, pair).join("&")}`;
  }

  target(): string {
    const at = this.path() + this.query();
    if (this.chance(0.94)) return at;
    return this.one([
      `http://other:1${at}`,
      `https://u:p@x${at}`,
      `http:${at}`,
      "*",
      "x:443",
      "",
      "//x" + at,
      `file://${at}`,
      `http://[::1]${at}`,
    ]);
  }

  hosts(): string[] {
    if (this.chance(0.97)) return ["Host: x"];
    return this.one([[], ["Host: x", "Host: y"], ["Host: x/dir"], ["Host: x, y"], ["Host: "], ["Host: u@x"], [
      "Host: [::1",
    ], ["Host: \xff"]]);
  }

  headers(): string[] {
    return this.many(4, () => this.header());
  }

  header(): string {
    const from = () => this.below(3000), to = () => this.below(3000);
    const makers: (() => string)[] = [
      () =>
        `Range: bytes=${
          this.many(4, () =>
            this.one([`${from()}-${to()}`, `${from()}-`, `-${to()}`, "x", "0-0", "99999999999999999999-"]))
            .join(",")
        }`,
      () => `Range: ${this.one(["bytes", "bytes=", "items=0-1", "bytes=" + "0-,".repeat(300)])}`,
      () => `${this.one(["If-Match", "If-None-Match", "If-Range"])}: ${this.one(TAGS)}`,
      () => `${this.one(["If-Modified-Since", "If-Unmodified-Since", "If-Range"])}: ${this.one(DATES)}`,
      () => `Accept: ${this.one(TYPES)}`,
      () => `Accept-Encoding: ${this.one(CODINGS)}`,
      () => `Destination: ${this.one(["", "http://x", "http://other", "https://x:1"])}${this.path()}`,
      () => `Depth: ${this.one(["0", "1", "infinity", "-1", "x", ""])}`,
      () => `Overwrite: ${this.one(["T", "F", "x", ""])}`,
      () =>
        `If: ${this.one(["", "<http://x/a.txt> "])}(${
          this.many(3, () => this.one([...LOCKS, '["x"]', "Not <x:y>", "["])).join(" ")
        })`,
      () => `Lock-Token: ${this.one(LOCKS)}`,
      () => `Timeout: ${this.one(["Second-1", "Infinite", "Second-99999999999999", "x", "Second--1"])}`,
      () =>
        `Authorization: ${
          this.one([
            "Basic",
            "Basic ====",
            "Basic YW5uOndyb25n",
            "Basic OjpgOjo=",
            "Bearer x",
            "Bearer " + "A.".repeat(50),
            "Digest x",
            "\xff",
          ])
        }`,
      () =>
        `Content-Type: ${
          this.one([...TYPES, "application/offset+octet-stream", "multipart/form-data; boundary=x"])
        }`,
      () => `Content-Encoding: ${this.one(CODINGS)}`,
      () => `Content-Range: bytes ${from()}-${to()}/${this.one(["*", "10"])}`,
      () =>
        `${this.one(["Want-Repr-Digest", "Want-Content-Digest", "Content-Digest", "Repr-Digest"])}: ${
          this.one(DIGESTS)
        }`,
      () =>
        `Origin: ${this.one(["http://app.example", "null", "http://x", "\xff", "http://app.example.evil"])}`,
      () =>
        `Access-Control-Request-${
          this.one([
            "Method: PUT",
            "Method: \x80",
            "Headers: x-y, authorization",
            "Headers: " + "x,".repeat(200),
          ])
        }`,
      () => `Expect: ${this.one(["100-continue", "x"])}`,
      () => `Connection: ${this.one(["keep-alive", "close", "Upgrade", "Host", "\x80"])}`,
      () => `Upgrade: ${this.one(["h2c", "websocket", "x"])}`,
      () => `Tus-Resumable: ${this.one(["1.0.0", "0.2.2"])}`,
      () =>
        `Upload-${
          this.one([
            "Length: 5",
            "Length: -1",
            "Length: 99999999999999999999",
            "Offset: 0",
            "Offset: 9",
            "Metadata: path L2E=",
            "Metadata: \x80,,",
            "Defer-Length: 1",
            "Concat: partial",
            "Concat: final;/x /y",
            "Checksum: sha1 AAAA",
          ])
        }`,
      () => `X-Forwarded-${this.one(["For: 1.2.3.4", "Host: evil", "Proto: https"])}`,
      () =>
        `${
          this.one([
            "X-HTTP-Method-Override: DELETE",
            "X-Original-URL: /private/p.txt",
            "X-Rewrite-URL: /private/p.txt",
            "Forwarded: for=x",
          ])
        }`,
      () => `Cookie: ${"c".repeat(this.below(200))}`,
      () => `User-Agent: ${this.one(["x", '" 200 1 "-', "\x1b[2J", "\x80\xff", "${jndi:x}"])}`,
      () => `${"h".repeat(1 + this.below(40))}: ${"v".repeat(this.below(500))}`,
    ];
    return this.one(makers)();
  }

  malformedLine(): string {
    return this.one([
      " folded",
      "\tfolded",
      "no colon",
      ": no name",
      "a b: c",
      "X\x00: y",
      "X: \x00",
      "X : y",
      "\x80: y",
      "X: a\rb",
    ]);
  }

  xml(): string {
    const root = this.one(XML.open);
    const inner = this.many(4, () => this.one(XML.inner)).join("");
    const deep = this.chance(0.05) ? this.below(300) : 0;
    const attributes = this.chance(0.05)
      ? Array.from({ length: this.below(300) }, (_, i) => ` a${i}="${i}"`).join("")
      : "";
    const text =
      `${this.one(XML.before)}<${root} xmlns="DAV:" xmlns:D="DAV:"${attributes}>${
        "<D:prop>".repeat(deep)
      }${inner}` +
      `${"</D:prop>".repeat(deep)}</${root}>`;
    return this.chance(0.9) ? text : text.slice(0, this.below(text.length));
  }

  json(depth = 0): string {
    const leaf = () =>
      this.one([
        "1",
        "-1",
        "1e999",
        '"dir"',
        '"../../x"',
        '"private/p.txt"',
        "null",
        "true",
        '"\\u0000"',
        '"\xff"',
        "9007199254740993",
      ]);
    if (depth > 3 || this.chance(0.3)) return leaf();
    if (this.chance(0.4)) return `[${this.many(3, () => this.json(depth + 1)).join(",")}]`;
    const key = () =>
      this.one([
        "files",
        "path",
        "paths",
        "source",
        "ops",
        "op",
        "chunks",
        "__proto__",
        "key",
        "from",
        "size",
        "mtime",
      ]);
    return `{${this.many(4, () => `"${key()}":${this.json(depth + 1)}`).join(",")}}`;
  }

  body(): string {
    if (this.chance(0.45)) return "";
    return this.one([
      () => this.xml(),
      () => this.xml(),
      () => this.json(),
      () => this.json(),
      () => "content ".repeat(this.below(300)),
      () => Array.from({ length: this.below(200) }, () => String.fromCharCode(this.below(256))).join(""),
      () => "[".repeat(this.below(5000)),
      // gzip of a megabyte of zeros, as short as they come.
      () => GZIP_BOMB,
    ])();
  }

  framing(body: string): { headers: string[]; body: string; framed: boolean } {
    const length = `Content-Length: ${body.length}`;
    if (this.chance(0.88)) return { headers: body === "" ? [] : [length], body, framed: true };
    if (this.chance(0.4)) {
      return { headers: ["Transfer-Encoding: chunked"], body: this.chunked(body), framed: true };
    }
    const odd: [headers: string[], body: string][] = [
      [[length, "Transfer-Encoding: chunked"], this.chunked(body)],
      [["Transfer-Encoding: chunked", length], this.chunked(body)],
      [[length, `Content-Length: ${body.length + 1}`], body],
      [[`Content-Length: +${body.length}`], body],
      [[`Content-Length: -${body.length}`], body],
      [[`Content-Length: 0x${body.length.toString(16)}`], body],
      [[`Content-Length: ${body.length}, ${body.length}`], body],
      [[`Content-Length: ${body.length + 100}`], body],
      [[`Content-Length: ${Math.max(0, body.length - 5)}`], body],
      [["Content-Length: 99999999999999999999"], body],
      [["Content-Length : 5"], body],
      [["Transfer-Encoding: gzip, chunked"], this.chunked(body)],
      [["Transfer-Encoding: chunked, chunked"], this.chunked(body)],
      [["Transfer-Encoding: xchunked"], body],
      [["Transfer-Encoding:\x0bchunked"], this.chunked(body)],
      [["Transfer-Encoding: identity"], body],
      [["Transfer-Encoding: chunked"], "-1\r\n" + body],
      [["Transfer-Encoding: chunked"], "+5\r\nabcde\r\n0\r\n\r\n"],
      [["Transfer-Encoding: chunked"], "FFFFFFFFFFFFFFFFF\r\n" + body],
      [["Transfer-Encoding: chunked"], `5;${"e".repeat(3000)}\r\nabcde\r\n0\r\n\r\n`],
      [["Transfer-Encoding: chunked"], "5\nabcde\n0\n\n"],
      [["Transfer-Encoding: chunked"], "5\r\nabcdeXX0\r\n\r\n"],
      [["Transfer-Encoding: chunked"], this.chunked(body).slice(0, -3)],
    ];
    const [headers, sent] = this.one(odd);
    return { headers, body: sent, framed: false };
  }

  chunked(body: string): string {
    let text = "";
    for (let at = 0; at < body.length;) {
      const size = 1 + this.below(100);
      const chunk = body.slice(at, at + size);
      text += `${chunk.length.toString(16)}${this.chance(0.1) ? ";ext=1" : ""}\r\n${chunk}\r\n`;
      at += size;
    }
    return `${text}0\r\n${this.chance(0.1) ? "Trailer-Field: x\r\n" : ""}\r\n`;
  }
}

const GZIP_BOMB = await (async () => {
  const stream = new Blob([new Uint8Array(1024 * 1024)]).stream().pipeThrough(new CompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
})();
