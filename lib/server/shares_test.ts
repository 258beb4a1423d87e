/** What a handler does with several shares, without sockets. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parsePerms, type Rule } from "./access.ts";
import { createAuthenticate } from "./authenticate.ts";
import { DavState } from "./dav/state.ts";
import { Capabilities, newGrantId } from "./capability.ts";
import { createHandler } from "./handler.ts";
import { formatLink } from "./share_link.ts";
import { parseSecret } from "./password.ts";
import { type SharedFolder, Shares } from "./shares.ts";
import { Staging } from "./staging.ts";
import { Uploads } from "./tus/uploads.ts";

const rules = (given: Record<string, string>): Rule[] =>
  Object.entries(given).map(([path, perms]) => ({ path: path.slice(1), perms: parsePerms(perms)! }));

interface Given extends Pick<SharedFolder, "own"> {
  path?: string;
  hosts?: string[];
  files: Record<string, string>;
}

/** A handler of shares with these files; user `ann` has the password `a`, and `rules`. */
async function handlerOf(
  given: readonly Given[],
  { anonymous = { "/": "r" }, ann = { "/": "rwd" } }: Record<string, Record<string, string>> = {},
) {
  const top = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "ferry-shares-" }));
  const closing: (() => void)[] = [];
  const warn = (line: string) => void console.error(line);
  const folders = given.map(({ path = "", hosts = [], files, own }, i): SharedFolder => {
    const root = `${top}/${i}`;
    Deno.mkdirSync(root);
    for (const [name, text] of Object.entries(files)) {
      Deno.mkdirSync(`${root}/${name}`.replace(/\/[^/]*$/, ""), { recursive: true });
      Deno.writeTextFileSync(`${root}/${name}`, text);
    }
    const staging = new Staging(root);
    const dav = new DavState({ dir: () => `${root}/.ferry`, root, warn });
    closing.push(() => staging.close(), () => dav[Symbol.dispose]());
    return {
      mount: { hosts, path },
      share: { root, hidden: false, follow: "inside", staging, uploads: new Uploads(root), dav },
      own,
    };
  });
  const secret = parseSecret("a")!;
  const capabilities = new Capabilities();
  const handler = createHandler({
    shares: new Shares(folders),
    authenticate: await createAuthenticate({
      anonymous: rules(anonymous),
      users: [{ name: "ann", secret, rules: rules(ann) }],
    }, { capabilities }),
    warn,
  });
  const ask = async (
    line: string,
    options: { host?: string; user?: string; headers?: Record<string, string>; body?: string } = {},
  ) => {
    const [method, path] = line.split(" ");
    const { host = "h", user, headers = {}, body } = options;
    const all = new Headers({ host, ...headers });
    if (user !== undefined) all.set("authorization", `Basic ${btoa(`${user}:a`)}`);
    const request = new Request(`http://${host}${path}`, { method, headers: all, body });
    const remoteAddr = { transport: "tcp", hostname: "127.0.0.1", port: 1 } as const;
    const response = await handler(request, { remoteAddr });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  return {
    root: (i: number) => `${top}/${i}`,
    ask,
    /** The path of a share link for `path`, a folder's with a slash at its end, and `host`. */
    link: (path: string, host: string) => {
      const grant = { id: newGrantId(), path: path.replace(/\/$/, ""), perms: parsePerms("r")! };
      const made = { ...grant, expires: Date.now() + 60_000, link: true as const, host };
      return formatLink(capabilities.issue(made), made, path.endsWith("/") || path === "");
    },
    /** The headers of a token for `perms` at `path`. */
    token: (path: string, perms: string) => {
      const grant = { id: newGrantId(), path, perms: parsePerms(perms)!, expires: Date.now() + 60_000 };
      return { authorization: `Bearer ${capabilities.issue(grant)}` };
    },
    /** Status and text of a GET. */
    get: async (path: string, options: Parameters<typeof ask>[1] = {}) => {
      const { status, text } = await ask(`GET ${path}`, options);
      return status === 200 ? text : String(status);
    },
    names: async (path: string, options: Parameters<typeof ask>[1] = {}) => {
      const { status, text } = await ask(`GET ${path}?format=json`, options);
      if (status !== 200) return String(status);
      const listing = JSON.parse(text);
      return `${listing.path} ${listing.entries.map(({ name }: { name: string }) => name).join(" ")}`;
    },
    [Symbol.dispose]: () => {
      closing.forEach((close) => close());
      Deno.removeSync(top, { recursive: true });
    },
  };
}

Deno.test("shares by path: the longest path wins, and everything below it is the share's", async () => {
  using server = await handlerOf([
    { path: "docs", files: { "a.txt": "docs a", "sub/b.txt": "docs b" } },
    { path: "docs/old", files: { "a.txt": "old a" } },
    { path: "x/y", files: { "c.txt": "y c" } },
  ]);
  const cases: [path: string, answer: string][] = [
    ["/docs/a.txt", "docs a"],
    ["/d%6fcs/%61.txt", "docs a"],
    ["/docs/sub/b.txt", "docs b"],
    ["/docs/old/a.txt", "old a"],
    ["/docs/old/sub/b.txt", "404"],
    ["/docs/old/../a.txt", "docs a"], // `new Request` resolves it, as clients do
    ["/docs%2fa.txt", "400"],
    ["/x/y/c.txt", "y c"],
    ["/x/c.txt", "401"],
    ["/a.txt", "401"],
    ["/docsa/a.txt", "401"],
    ["/docs/.ferry/x", "404"],
    ["/.ferry/x", "404"],
    ["/.ferry/health", await server.get("/.ferry/health")],
  ];
  for (const [path, answer] of cases) assertEquals(await server.get(path), answer, path);
  assertEquals(await server.get("/a.txt", { user: "ann" }), "404");
});

Deno.test("shares by host: a named host sees its own, and every other host the rest", async () => {
  using server = await handlerOf([
    { hosts: ["a.example", "www.a.example"], files: { "f": "a" } },
    { hosts: ["b.example"], path: "deep", files: { "f": "b" } },
    { files: { "f": "rest" } },
  ]);
  const cases: [host: string, path: string, answer: string][] = [
    ["a.example", "/f", "a"],
    ["A.example:8420", "/f", "a"],
    ["www.a.example", "/f", "a"],
    ["b.example", "/deep/f", "b"],
    ["b.example", "/f", "401"],
    ["c.example", "/f", "rest"],
    ["c.example", "/deep/f", "404"],
  ];
  for (const [host, path, answer] of cases) {
    assertEquals(await server.get(path, { host }), answer, host + path);
  }
  using named = await handlerOf([{ hosts: ["a.example"], files: { "f": "a" } }]);
  assertEquals(await named.get("/f", { host: "b.example" }), "421");
  assertEquals(JSON.parse(await named.get("/.ferry/health", { host: "b.example" })).status, "ok");
});

Deno.test("folders on the way to shares are listed, with what the user may see", async () => {
  using server = await handlerOf([
    { path: "a/open", files: { f: "" } },
    { path: "a/closed", files: { f: "" }, own: { anonymous: [] } },
    { path: "secret", files: { f: "" }, own: { anonymous: [], users: [] } },
    { path: "a/open/in", files: { f: "" } },
  ]);
  assertEquals(await server.names("/"), "/ a");
  assertEquals(await server.names("/a/"), "/a/ open");
  assertEquals(await server.names("/a/", { user: "ann" }), "/a/ closed open");
  assertEquals(await server.names("/a/open/"), "/a/open/ f in");
  assertEquals(await server.names("/secret/", { user: "ann" }), "403");
  const page = (await server.ask("GET /a/open/", { headers: { accept: "text/html" } })).text;
  assertStringIncludes(page, '<a href="../">a</a>');
  assertStringIncludes(page, '<a href="./in/">in/</a>');
  for (const [path, location] of [["/a", "./a/"], ["/a/open", "./open/"], ["/a/open/in?x", "./in/?x"]]) {
    const { status, headers } = await server.ask(`GET ${path}`);
    assertEquals([status, headers.get("location")], [301, location]);
  }
  assertEquals((await server.ask("GET /a/closed")).status, 401);
});

Deno.test("folders on the way to shares take no changes", async () => {
  using server = await handlerOf([{ path: "a/b", files: { f: "" } }]);
  const cases: [line: string, status: number][] = [
    ["PUT /a/x", 404],
    ["PUT /a", 405],
    ["DELETE /a/", 405],
    ["MKCOL /a/", 405],
    ["MKCOL /x/", 404],
    ["MOVE /a/", 405],
    ["LOCK /a/", 405],
    ["OPTIONS /a/", 204],
    ["OPTIONS /*", 204],
    ["DELETE /a/b/", 403],
    ["MKCOL /a/b", 405],
    ["PUT /a/b", 409],
  ];
  for (const [line, status] of cases) {
    const body = line.startsWith("PUT") ? "x" : undefined;
    assertEquals((await server.ask(line, { user: "ann", body })).status, status, line);
  }
  assertEquals(
    (await server.ask("DELETE /a/", { user: "ann" })).headers.get("allow"),
    "OPTIONS, GET, HEAD, PROPFIND",
  );
});

Deno.test("rules of the server hold by URL path, and those of a share in their place", async () => {
  using server = await handlerOf([
    { path: "docs", files: { "in/f": "docs", "f": "top" } },
    {
      path: "own",
      files: { "in/f": "own", "f": "top" },
      own: { users: [{ name: "ann", rules: rules({ "/in": "r" }) }], anonymous: [] },
    },
    { path: "public", files: { f: "public" }, own: { anonymous: rules({ "/": "r" }) } },
  ], { anonymous: { "/": "none", "/docs/in": "r" }, ann: { "/docs": "rw", "/own": "rwd" } });
  const cases: [line: string, anybody: number, ann: number][] = [
    ["GET /docs/f", 401, 200],
    ["GET /docs/in/f", 200, 200],
    ["PUT /docs/in/new", 401, 201],
    ["DELETE /docs/in/new", 401, 403],
    ["GET /own/f", 401, 403],
    ["GET /own/in/f", 401, 200],
    ["PUT /own/in/new", 401, 403],
    ["GET /public/f", 200, 200],
    ["PUT /public/new", 401, 403],
  ];
  for (const [line, anybody, ann] of cases) {
    const body = line.startsWith("PUT") ? "x" : undefined;
    assertEquals((await server.ask(line, { body })).status, anybody, line);
    assertEquals((await server.ask(line, { body, user: "ann" })).status, ann, `${line} as ann`);
  }
});

Deno.test("what an answer says of a path is the path on the server", async () => {
  using server = await handlerOf([{ path: "d é", files: { "f": "f", "sub/g": "g" } }, {
    path: "other",
    files: {},
  }]);
  const at = "/d%20%C3%A9";
  const location = async (line: string, headers = {}) =>
    (await server.ask(line, { user: "ann", headers, body: line.startsWith("PUT") ? "x" : undefined })).headers
      .get("location");
  assertEquals(await location(`PUT ${at}/new`), `${at}/new`);
  assertEquals(await location(`MKCOL ${at}/dir`), `${at}/dir/`);
  assertEquals(await location(`COPY ${at}/f`, { destination: `${at}/copy` }), `${at}/copy`);
  assertEquals(await location(`MOVE ${at}/copy`, { destination: `http://h${at}/moved` }), `${at}/moved`);
  assertEquals(Deno.readTextFileSync(`${server.root(0)}/moved`), "f");
  const found = await server.ask(`PROPFIND ${at}`, { headers: { depth: "1" } });
  assertEquals(found.status, 207);
  assertEquals([...found.text.matchAll(/<D:href>([^<]*)</g)].map(([, href]) => href), [
    `${at}/`,
    `${at}/dir/`,
    `${at}/f`,
    `${at}/moved`,
    `${at}/new`,
    `${at}/sub/`,
  ]);
  const top = await server.ask("PROPFIND /", { headers: { depth: "1" } });
  assertEquals([...top.text.matchAll(/<D:href>([^<]*)</g)].map(([, href]) => href), [
    "/",
    `${at}/`,
    "/other/",
  ]);
  const locked = await server.ask(`LOCK ${at}/f`, {
    user: "ann",
    body:
      '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>',
  });
  const token = locked.headers.get("lock-token")!;
  assertStringIncludes(locked.text, `<D:lockroot><D:href>${at}/f</D:href></D:lockroot>`);
  const put = (ifHeader: string) =>
    server.ask(`PUT ${at}/f`, { user: "ann", body: "y", headers: { if: ifHeader } }).then(({ status }) =>
      status
    );
  assertEquals(await put(`<${at}/f> (${token})`), 204);
  assertEquals(await put(`</f> (${token})`), 412);
});

Deno.test("COPY and MOVE stay within one share", async () => {
  using server = await handlerOf([
    { path: "a", files: { f: "f" } },
    { path: "b", files: { old: "old" } },
    { path: "a/in", files: {} },
  ]);
  for (const method of ["COPY", "MOVE"]) {
    for (const destination of ["/b/f", "/a/in/f", "/f", "/b/old"]) {
      const { status, text } = await server.ask(`${method} /a/f`, { user: "ann", headers: { destination } });
      assertEquals(status, 403, destination);
      assertStringIncludes(text, "in another share");
    }
  }
  assertEquals(await server.names("/b/"), "/b/ old");
  assertEquals(await server.get("/a/f"), "f");
});

Deno.test("what a share has under the path of another one is not served", async () => {
  using server = await handlerOf([
    { files: { "docs/hidden": "hidden", "f": "f" } },
    { path: "docs", files: { "seen": "seen" } },
  ]);
  assertEquals(await server.get("/docs/hidden"), "404");
  assertEquals(await server.get("/docs/seen"), "seen");
  assertEquals(await server.names("/"), "/ docs f");
  const found = await server.ask("PROPFIND /", { headers: { depth: "infinity" } });
  assertEquals([...found.text.matchAll(/<D:href>([^<]*)</g)].map(([, href]) => href), ["/", "/f", "/docs/"]);
});

Deno.test("uploads that go on, with several shares: each goes to the share of its folder, and none around it", async () => {
  using server = await handlerOf([
    { path: "", files: { "docs/hidden": "of the share above" } },
    { path: "docs", files: { "a.txt": "a" } },
    { path: "mail", hosts: ["b.example"], files: {} },
  ]);
  const post = (folder: string, pairs: Record<string, string>, host = "h") => {
    const metadata = Object.entries(pairs).map(([key, value]) => `${key} ${btoa(value)}`).join(",");
    const headers = { "tus-resumable": "1.0.0", "upload-length": "5", "upload-metadata": metadata };
    return server.ask(`POST /.ferry/tus${folder}`, { host, user: "ann", headers });
  };
  const patch = async (location: string | null, host = "h") => {
    const headers = {
      "tus-resumable": "1.0.0",
      "upload-offset": "0",
      "content-type": "application/offset+octet-stream",
    };
    return (await server.ask(`PATCH ${location}`, { host, user: "ann", headers, body: "12345" })).status;
  };
  const files: [folder: string, host: string, location: RegExp, file: string][] = [
    ["/", "h", /^\/\.ferry\/tus\/[0-9a-f]{32}$/, `${server.root(0)}/new`],
    ["/docs", "h", /^\/\.ferry\/tus\/docs\/[0-9a-f]{32}$/, `${server.root(1)}/new`],
    ["/docs/sub/", "h", /^\/\.ferry\/tus\/docs\/[0-9a-f]{32}$/, `${server.root(1)}/sub/new`],
    ["/mail/", "b.example", /^\/\.ferry\/tus\/mail\/[0-9a-f]{32}$/, `${server.root(2)}/new`],
  ];
  for (const [folder, host, location, file] of files) {
    const { status, headers } = await post(folder, { filename: "new" }, host);
    assertEquals(status, 201);
    assertMatch(headers.get("location") ?? "", location);
    // Nowhere else is it known.
    const other = headers.get("location")?.replace(/tus\/(docs|mail)/, "tus").replace(
      /tus\/(?=\w{32})/,
      "tus/x/",
    );
    assertEquals(await patch(other ?? ""), 404);
    assertEquals(await patch(headers.get("location"), host), 204);
    assertEquals(Deno.readTextFileSync(file), "12345");
  }
  assertEquals((await post("/", { relativePath: "docs/hidden" })).status, 409);
  assertEquals((await post("/", { filename: "docs" })).status, 409);
  assertEquals((await post("/elsewhere/", { filename: "x" }, "b.example")).status, 404);
  assertEquals(Deno.readTextFileSync(`${server.root(0)}/docs/hidden`), "of the share above");
  const outside = await server.ask("OPTIONS /.ferry/tus/", { host: "b.example" });
  assertEquals([outside.status, outside.headers.get("tus-version")], [204, "1.0.0"]);
});

Deno.test("a share link leads to the share of the host that it was made for, whatever the request calls it", async () => {
  using server = await handlerOf([
    { hosts: ["a.example"], files: { "docs/x": "of a" } },
    { hosts: ["b.example"], files: { "docs/x": "of b" } },
    { files: { "docs/x": "of others" } },
  ], { anonymous: {} });
  for (const [made, text] of [["a.example", "of a"], ["b.example", "of b"], ["h", "of others"]]) {
    const link = server.link("docs/x", made);
    for (const host of ["a.example", "b.example", "h", "127.0.0.1:8420"]) {
      assertEquals(await server.get(link, { host }), text);
    }
  }
});

Deno.test("a share link into a share with a path shows what it is for, and neither what is beside nor where it is", async () => {
  using server = await handlerOf([
    { path: "media/music", files: { "rock/a": "a", "rock/live/b": "b", "jazz/c": "c" } },
    { path: "media/music/rock/new", files: { "d": "d" } },
    { path: "media/films", files: { "e": "e" } },
  ], { anonymous: {} });
  const rock = server.link("media/music/rock/", "h");
  assertEquals(await server.names(rock), "/rock/ a live new");
  assertEquals(await server.names(`${rock}live/`), "/rock/live/ b");
  assertEquals([await server.get(`${rock}a`), await server.get(`${rock}new/d`)], ["a", "d"]);
  const jazz = rock.replace("/rock/", "/jazz/c");
  assertEquals([await server.get(jazz), await server.get(rock.replace("/rock/", "/"))], ["403", "403"]);
  const media = server.link("media/", "h");
  assertEquals(await server.names(media), "/media/ films music");
  assertEquals(await server.get(`${media}films/e`), "e");
  // Not even the folder that only leads there.
  assertEquals(await server.get(server.link("media/films/", "h").replace("/films/", "/")), "403");
  const page = (await server.ask(`GET ${rock}live/`, { headers: { accept: "text/html" } })).text;
  assertStringIncludes(page, '<h1>/<a href="../">rock</a>/');
  assertEquals(page.includes("media"), false);
  assertEquals(await server.names(server.link("", "h")), "/ media");
});

Deno.test("a token gives what it says in shares with rules of their own, too, and nothing beside its path", async () => {
  using server = await handlerOf([
    {
      path: "in",
      files: { "a": "a" },
      own: { anonymous: [], users: [{ name: "ann", rules: rules({ "/": "r" }) }] },
    },
    { path: "inner", files: { "b": "b" } },
  ], { anonymous: {} });
  const headers = server.token("in", "rw");
  assertEquals(await server.get("/in/a", { headers }), "a");
  assertEquals((await server.ask("PUT /in/new", { headers, body: "new" })).status, 201);
  assertEquals([await server.get("/inner/b", { headers }), await server.names("/", { headers })], [
    "403",
    "/ in",
  ]);
  assertEquals(await server.get("/in/a", { headers: server.token("in/b", "r") }), "403");
});
