/** What hostile clients try by way of WebDAV. */
import { assert, assertEquals } from "@std/assert";
import { ask, rawRequest, serve, type Server, tempDir, treeDigest } from "./harness.ts";

const LOCK_INFO =
  '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>';
const PATCH = '<propertyupdate xmlns="DAV:"><set><prop><p xmlns="urn:x"/></prop></set></propertyupdate>';

const as = (user: string) => ({ authorization: `Basic ${btoa(`${user}:pw`)}` });

/** The status of a request whose head is sent byte for byte. */
async function raw(server: Server, method: string, path: string, headers: Record<string, string>) {
  const lines = Object.entries({ host: `127.0.0.1:${server.port}`, connection: "close", ...headers });
  const head = `${method} ${path} HTTP/1.1\r\n${
    lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")
  }\r\n`;
  return (await rawRequest(server.port, head)).status;
}

Deno.test("no Destination leads out of the share, to another server, or into Ferry's own state", async () => {
  using outside = tempDir({ "victim": "kept" });
  using dir = tempDir({ "f": "x", "folder/g": "x", ".ferry/own": "kept", "a b": "x" });
  Deno.symlinkSync(outside.path, dir.at("out"));
  Deno.symlinkSync(outside.at("victim"), dir.at("out file"));
  Deno.symlinkSync("missing", dir.at("dangling"));
  await using server = await serve(dir.path, ["--writable", "--hidden"]);
  const before = [await treeDigest(dir.path), await treeDigest(outside.path)];
  const host = `127.0.0.1:${server.port}`;
  const long = "x".repeat(5000);
  const hostile: [string, number | number[]][] = [
    ["http://elsewhere.example/new", 400],
    [`http://${host}@elsewhere.example/new`, 400],
    [`http://user@${host}/new`, 400],
    [`http://${host}.elsewhere.example/new`, 400],
    [`http://127.0.0.1:1/new`, 400],
    [`ftp://${host}/new`, 400],
    [`file:///etc/new`, 400],
    [`//${host}/new`, 400],
    [`http://${host}`, 400],
    [`http:///new`, 400],
    ["new", 400],
    ["", 400],
    ["*", 400],
    ["/../new", 400],
    ["/folder/../../new", 400],
    ["/%2e%2e/new", 400],
    ["/folder/%2e%2e%2fnew", 400],
    ["/folder%2fnew", 400],
    ["/folder%5cnew", 400],
    ["/folder\\new", 400],
    ["/new%00", 400],
    ["/new%0", 400],
    ["/%ff", 400],
    ["/%c0%ae%c0%ae/new", 400],
    ["/folder//new", 400],
    ["/./new", 400],
    ["/new?x", 400],
    ["/new#x", 400],
    ["/.ferry", 404],
    ["/.ferry/new", 404],
    ["/%2eferry/new", 404],
    ["/.%66erry/own", 404],
    ["/folder/.ferry/new", 404],
    ["/out/new", 404],
    ["/out/victim", 404],
    ["/out%20file/new", 404],
    ["/dangling", 404],
    // nginx CVE-2026-27654: longer, and shorter, than the request.
    [`/${long}`, 400],
    [`/${"y/".repeat(2500)}z`, 400],
    [`http://${host}/${long}`, 400],
    ["/missing/new", 409],
    ["/f/new", 409],
    ["/", 403],
    ["/x/".repeat(1), 409],
  ];
  for (const method of ["COPY", "MOVE"]) {
    for (const source of ["/f", "/folder", "/folder/"]) {
      for (const [destination, status] of hostile) {
        if (destination === "/x/" && source !== "/f") continue;
        const got = await raw(server, method, source, { destination });
        assertEquals(got, status, `${method} ${source} to ${destination.slice(0, 60)}`);
      }
    }
    // The link itself may go; what it leads to is not touched.
    for (const source of ["/out", "/out%20file", "/out/victim", "/.ferry", "/.ferry/own", "/dangling"]) {
      assertEquals(await raw(server, method, source, { destination: "/taken" }), 404, `${method} ${source}`);
    }
    assertEquals(await raw(server, method, "/f", { destination: "/new", overwrite: "X" }), 400);
    assertEquals(await raw(server, method, "/f", {}), 400);
  }
  assertEquals([await treeDigest(dir.path), await treeDigest(outside.path)], before);
  assertEquals(Deno.readTextFileSync(dir.at(".ferry/own")), "kept");
  assert(!server.log().includes("unexpected"), server.log());
});

/** Each method that WebDAV has, as one would use it on a file of that folder. */
const METHODS: [method: string, path: string, headers: Record<string, string>, body?: string][] = [
  ["PROPFIND", "/in/f", { depth: "0" }],
  ["PROPFIND", "/in/", { depth: "1" }],
  ["PROPFIND", "/in/", { depth: "infinity" }],
  ["PROPPATCH", "/in/f", {}, PATCH],
  ["MKCOL", "/in/new", {}],
  ["COPY", "/in/f", { destination: "/in/copy" }],
  ["COPY", "/in/sub", { destination: "/in/copy" }],
  ["MOVE", "/in/f", { destination: "/in/moved" }],
  ["MOVE", "/in/sub", { destination: "/in/moved" }],
  ["DELETE", "/in/f", {}],
  ["DELETE", "/in/sub", {}],
  ["LOCK", "/in/f", {}, LOCK_INFO],
  ["LOCK", "/in/new", {}, LOCK_INFO],
  ["UNLOCK", "/in/f", { "lock-token": "<urn:uuid:none>" }],
  ["PUT", "/in/new", {}, "x"],
];

/** What each permission opens, of METHODS in their order; what the verb then says where it may. */
const OPENED: Record<string, string> = {
  none: "403 403 403 403 403 403 403 403 403 403 403 403 403 403 403",
  r: "207 207 207 403 403 403 403 403 403 403 403 403 403 403 403",
  w: "403 403 403 207 201 403 403 403 403 403 403 200 201 409 201",
  d: "403 403 403 403 403 403 403 403 403 204 204 403 403 403 403",
  s: "403 403 403 403 403 403 403 403 403 403 403 403 403 403 403",
  rw: "207 207 207 207 201 201 201 403 403 403 403 200 201 409 201",
  rd: "207 207 207 403 403 403 403 403 403 204 204 403 403 403 403",
  wd: "403 403 403 207 201 403 403 201 201 204 204 200 201 409 201",
  rwd: "207 207 207 207 201 201 201 201 201 204 204 200 201 409 201",
};

Deno.test("each method of WebDAV needs its permissions, and changes nothing without them", async () => {
  using dir = tempDir({ "in": null });
  const users = Object.keys(OPENED).flatMap((perms) => ["--auth", `${perms}:pw@/:${perms}`]);
  await using server = await serve(dir.path, ["--anonymous", "none", ...users]);
  const fresh = async () => {
    Deno.removeSync(dir.at("in"), { recursive: true });
    Deno.mkdirSync(dir.at("in/sub"), { recursive: true });
    Deno.writeTextFileSync(dir.at("in/f"), "content");
    Deno.writeTextFileSync(dir.at("in/sub/g"), "content");
    Deno.utimeSync(dir.at("in/f"), 1e9, 1e9);
    Deno.utimeSync(dir.at("in/sub/g"), 1e9, 1e9);
    return await treeDigest(dir.path);
  };
  for (const [user, expected] of Object.entries(OPENED)) {
    const got: number[] = [];
    for (const [method, path, headers, body] of METHODS) {
      const before = await fresh();
      const { status, headers: answer } = await ask(server, method, path, { ...headers, ...as(user) }, body);
      got.push(status);
      const token = answer.get("lock-token");
      if (token !== null) await ask(server, "UNLOCK", path, { ...as(user), "lock-token": token });
      if (status >= 400) assertEquals(await treeDigest(dir.path), before, `${user}: ${method} ${path}`);
    }
    assertEquals(got.join(" "), expected, user);
  }
  // Without a login all of them ask for one.
  for (const [method, path, headers, body] of METHODS) {
    assertEquals((await ask(server, method, path, headers, body)).status, 401, `${method} ${path}`);
  }
});

Deno.test("PROPFIND tells no name, lock or property of what its user may not read", async () => {
  using dir = tempDir({ "open/f": "x", "open/secret-folder/secret": "x", "secret-top/g": "x" });
  Deno.symlinkSync("../secret-top", dir.at("open/secret-link"));
  Deno.symlinkSync("../open", dir.at("secret-top/secret-way"));
  const ann = ["--auth", "ann:pw@/open:rwd,/open/secret-folder:none"];
  await using server = await serve(dir.path, ["--anonymous", "none", ...ann, "--auth", "root:pw@/:rwd"]);
  // Locked by a way that only the other one may know.
  const locked = await ask(server, "LOCK", "/secret-top/secret-way/f", as("root"), LOCK_INFO);
  assertEquals(locked.status, 200);
  const hidden = await ask(server, "LOCK", "/open/secret-folder/secret", as("root"), LOCK_INFO);
  assertEquals(hidden.status, 200);
  const answers = [
    await ask(server, "PROPFIND", "/open/", { ...as("ann"), depth: "1" }),
    await ask(server, "PROPFIND", "/open/", { ...as("ann"), depth: "infinity" }),
    await ask(server, "PROPFIND", "/open/f", { ...as("ann"), depth: "0" }),
    await ask(server, "PUT", "/open/f", as("ann"), "y"),
    await ask(server, "DELETE", "/open/f", as("ann")),
    await ask(server, "LOCK", "/open/f", as("ann"), LOCK_INFO),
    await ask(server, "LOCK", "/open/", as("ann"), LOCK_INFO),
    await ask(server, "DELETE", "/open/", as("ann")),
    await ask(server, "PROPFIND", "/open/secret-link/", { ...as("ann"), depth: "1" }),
    await ask(server, "PROPFIND", "/", { ...as("ann"), depth: "1" }),
    await ask(server, "PROPFIND", "/secret-top/", { ...as("ann"), depth: "1" }),
  ];
  assertEquals(answers.map(({ status }) => status), [207, 207, 207, 423, 423, 423, 403, 403, 403, 403, 403]);
  const token = (locked.headers.get("lock-token") ?? "").slice(1, -1);
  for (const { text } of answers) assert(!text.includes("secret") && !text.includes(token), text);
  assert(answers[0].text.includes("<D:lockroot><D:href>/open/f</D:href>"), answers[0].text);
  assert(answers[3].text.includes("<D:href>/open/f</D:href>"), answers[3].text);
});

Deno.test("XML that would take memory or time is refused at once, and the server goes on", async () => {
  using dir = tempDir({ "f": "x" });
  await using server = await serve(dir.path, ["--writable"]);
  const entities = Array.from({ length: 20 }, (_, i) => `<!ENTITY e${i + 1} "${`&e${i};`.repeat(10)}">`).join(
    "",
  );
  const namespace = "n".repeat(100_000);
  const inside = (inner: string, more = "") =>
    `<D:propertyupdate xmlns:D="DAV:"${more}><D:set><D:prop>${inner}</D:prop></D:set></D:propertyupdate>`;
  const bodies: [string, number][] = [
    [`<!DOCTYPE a [<!ENTITY e0 "lol">${entities}]><propfind xmlns="DAV:"><prop>&e20;</prop></propfind>`, 400],
    [
      '<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:1/">%p;]><propfind xmlns="DAV:"><allprop/></propfind>',
      400,
    ],
    ['<!DOCTYPE a SYSTEM "file:///etc/passwd"><propfind xmlns="DAV:"><allprop/></propfind>', 400],
    [`<propfind xmlns="DAV:"><prop>${"<a>".repeat(20_000)}</prop></propfind>`, 400],
    [inside(`<a b='${'"'.repeat(200_000)}'/>`), 413],
    [inside(`<p:a>${"<p:b/>".repeat(10_000)}</p:a>`, ` xmlns:p="${namespace}"`), 400],
    [inside("<p:a/>".repeat(10_000), ` xmlns:p="urn:p"`), 413],
    [inside("<a/>".repeat(10_000), ` xml:lang="${namespace}"`), 413],
    [inside(`<a ${Array.from({ length: 15_000 }, (_, i) => `a${i}="1"`).join(" ")}/>`), 207],
    [
      `<propfind xmlns="DAV:"><prop>${
        Array.from({ length: 9000 }, (_, i) => `<a${i}/>`).join("")
      }</prop></propfind>`,
      413,
    ],
    ["<propfind xmlns='DAV:'><prop><__proto__/><constructor/><toString/></prop></propfind>", 207],
  ];
  for (const method of ["PROPFIND", "PROPPATCH", "LOCK"]) {
    for (const [body, status] of bodies) {
      const answer = await ask(server, method, "/f", {}, body);
      const label = `${method} ${body.slice(0, 80)}: ${answer.text.slice(0, 200)}`;
      // Where the body is another method's it is refused for that.
      assert(
        answer.status === status || answer.status === 400,
        label,
      );
      assert(!answer.text.includes("root:") && !answer.text.includes("lol"), label);
    }
  }
  const odd = await ask(server, "PROPFIND", "/f", { depth: "0" }, bodies.at(-1)?.[0]);
  assert(
    odd.text.includes("<D:__proto__/><D:constructor/><D:toString/></D:prop><D:status>HTTP/1.1 404"),
    odd.text,
  );
  assertEquals((await ask(server, "PROPFIND", "/f", { depth: "0" })).status, 207);
  assert(!server.log().includes("unexpected") && !server.log().includes(" 500 "), server.log());
});

Deno.test("If and Lock-Token headers that are broken or huge are refused", async () => {
  using dir = tempDir({ "f": "x" });
  await using server = await serve(dir.path, ["--writable"]);
  const many = "(<urn:x:1>)".repeat(1001);
  const hostile = [
    "(",
    ")",
    "()",
    "<x>",
    "(<a>",
    "((<a>))",
    '(["a)',
    "(Not)",
    "(Not Not <a>)",
    "(<a>) <x> (<b>)",
    many,
  ];
  for (const method of ["PUT", "DELETE", "GET", "PROPFIND", "LOCK", "UNLOCK", "MKCOL", "COPY", "MOVE"]) {
    for (const value of hostile) {
      const path = method === "MKCOL" ? "/new" : "/f";
      const headers = {
        if: value,
        destination: "/g",
        depth: method === "PROPFIND" ? "0" : "infinity",
        "lock-token": "<a>",
      };
      const body = method === "PUT" ? "y" : method === "LOCK" ? LOCK_INFO : undefined;
      const { status } = await ask(server, method, path, headers, body);
      assertEquals(status, 400, `${method} ${value.slice(0, 30)}`);
    }
  }
  for (const value of ["", "<>", "urn:x", "<a><b>", "<a b>"]) {
    assertEquals((await ask(server, "UNLOCK", "/f", { "lock-token": value })).status, 400, value);
  }
  assertEquals([...Deno.readDirSync(dir.path)].map(({ name }) => name), ["f"]);
  assertEquals(Deno.readTextFileSync(dir.at("f")), "x");
});

Deno.test("names that mean something in XML or HTML are told as names", async () => {
  using dir = tempDir();
  const names = [
    "<script>alert(1)</script>".replaceAll("/", "∕"),
    "a&b;",
    "]]>",
    '"><x y="',
    "\u0001\u001b[31m",
    "%41",
    "é̈",
    "\u202egpj",
  ];
  for (const name of names) Deno.writeTextFileSync(dir.at(name), "x");
  await using server = await serve(dir.path, ["--writable"]);
  const { text, headers } = await ask(server, "PROPFIND", "/", { depth: "1" });
  assertEquals(headers.get("content-type"), "application/xml; charset=utf-8");
  assert(!text.includes("<script") && !text.includes("<x y") && !text.includes("\u0001"), text);
  const hrefs = [...text.matchAll(/<D:response><D:href>([^<]*)/g)].map(([, href]) => href);
  assertEquals(hrefs.slice(1).map((href) => decodeURIComponent(href.slice(1))).sort(), names.toSorted());
  // Each of them can be asked for as it is told.
  for (const href of hrefs) {
    assertEquals((await ask(server, "PROPFIND", href, { depth: "0" })).status, 207, href);
  }
});
