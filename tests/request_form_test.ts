/** `ferry request --form`: multipart/form-data as other programs read it. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, tempDir } from "./harness.ts";
import { hostile } from "./hostile_server.ts";
import { hasHttpbin, httpbin } from "./httpbin.ts";
import { peakMemory } from "./peak_memory.ts";

/** A server that reads the form by itself, and says how it came. */
function formServer() {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const head = {
      method: request.method,
      length: request.headers.get("content-length"),
      encoding: request.headers.get("transfer-encoding"),
    };
    const fields: unknown[] = [];
    for (const [name, value] of await request.formData()) {
      if (typeof value === "string") fields.push([name, value]);
      else fields.push([name, value.name, value.type, await value.text()]);
    }
    return Response.json({ ...head, fields });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("request --form sends values, files and standard input", async () => {
  using dir = tempDir({ "a é.html": "<p>", "value.txt": "from\nfile", "empty": "" });
  await using server = formServer();
  const send = async (args: string[], stdin?: string) => {
    const { code, stdout, stderr } = await ferry(["request", ...args, server.url], { stdin });
    assertEquals(code, 0, stderr);
    return JSON.parse(stdout);
  };
  const sized = await send([
    ...["--form", "a=1"],
    ...["--form", "a=2;b"],
    ...["-F", `f=@${dir.at("a é.html")}`],
    ...["-F", `g=@${dir.at("empty")};type=text/x;filename=q"ü.bin`],
    ...["-F", `v=<${dir.at("value.txt")}`],
  ]);
  assertEquals(sized.fields, [
    ["a", "1"],
    ["a", "2;b"],
    ["f", "a é.html", "text/html; charset=utf-8", "<p>"],
    ["g", "q%22ü.bin", "text/x", ""],
    ["v", "from\nfile"],
  ]);
  assertEquals([sized.method, sized.encoding], ["POST", null]);
  assert(Number(sized.length) > 0);
  const piped = await send(["PUT", "-F", "s=@-;filename=s.txt", "-F", "t=1"], "stdin");
  assertEquals([piped.method, piped.length, piped.encoding], ["PUT", null, "chunked"]);
  assertEquals(piped.fields, [["s", "s.txt", "text/plain; charset=utf-8", "stdin"], ["t", "1"]]);
});

Deno.test("request --form, --data and --data-json arrive at httpbin as they were meant", async () => {
  if (!hasHttpbin()) return;
  using dir = tempDir({ "n.txt": "note\n" });
  await using server = await httpbin();
  const ask = async (path: string, ...args: string[]) => {
    const { code, stdout, stderr } = await ferry(["request", ...args, server.url + path], { stdin: "piped" });
    assertEquals(code, 0, stderr);
    return JSON.parse(stdout);
  };
  const form = await ask("/post", "-F", "a=é", "-F", "a=2", "-F", `f=@${dir.at("n.txt")}`, "-F", "p=@-");
  assertEquals([form.form, form.files], [{ a: ["é", "2"] }, { f: "note\n", p: "piped" }]);
  const data = await ask("/put", "PUT", "-d", "a=1", "-d", "b=%20x");
  assertEquals(data.form, { a: "1", b: " x" });
  const json = await ask("/post", "--data-json", '{"a":[1,null]}', "-H", "X-Own: 1");
  assertEquals([json.json, json.headers["X-Own"]], [{ a: [1, null] }, "1"]);
  const user = await ask("/basic-auth/ann/s3cret", "-u", "ann:s3cret");
  assertEquals(user, { authenticated: true, user: "ann" });
  assertEquals((await ask("/bearer", "--token", "t0ken")).token, "t0ken");
});

Deno.test("request --form is sent again after a 307 and after a 503 to a PUT, but no POST is", async () => {
  using dir = tempDir({ "f": "file" });
  await using server = hostile((visit) => {
    if (visit.target === "/move") return visit.answer("307 Go", "", "Location: /there");
    return visit.answer(visit.index === 2 ? "503 Busy" : "200 OK", "", "Retry-After: 0");
  });
  const args = ["-F", "a=1", "-F", `f=@${dir.at("f")}`];
  const moved = await ferry(["request", ...args, `${server.url}/move`]);
  assertEquals(moved.code, 0, moved.stderr);
  assertEquals(server.visits[1].body, server.visits[0].body);
  const put = await ferry(["request", "PUT", ...args, `${server.url}/x`, "-q"]);
  assertEquals([put.code, server.visits.length], [0, 4], put.stderr);
  assertEquals(server.visits[3].body, server.visits[2].body);

  await using busy = hostile((visit) => visit.answer("503 Busy", "", "Retry-After: 0"));
  assertEquals((await ferry(["request", ...args, busy.url])).code, 22);
  assertEquals((await ferry(["request", "PUT", ...args, "-F", "p=@-", busy.url], { stdin: "x" })).code, 22);
  assertEquals(busy.visits.length, 2);
});

Deno.test("request --form refuses what it cannot send before a server hears of it", async () => {
  using dir = tempDir({ "f": "file", "folder": null });
  await using server = hostile((visit) => visit.answer("200 OK"));
  const cases: [string[], number, string][] = [
    [["-F", "novalue"], 2, "--form novalue"],
    [["-F", "a=1;type=text"], 2, "--form a"],
    [["-F", "a=1", "-d", "b=2"], 2, "--data and --form"],
    [["-F", "a=1", "-T", dir.at("f")], 2, "--form and --upload"],
    [["-F", "a=1", "-H", "Content-Type: text/plain"], 2, "Content-Type"],
    [["-F", "a=@-", "-F", "b=<-"], 2, "standard input"],
    [["-F", "a=@-", server.url], 2, "one URL only"],
    [["GET", "-F", "a=1"], 2, "GET has none"],
    [["-F", `a=@${dir.at("nothing")}`], 26, "nothing"],
    [["-F", `a=@${dir.at("folder")}`], 26, "folder"],
  ];
  await Promise.all(cases.map(async ([args, expected, text]) => {
    const { code, stderr } = await ferry(["request", ...args, server.url], { stdin: "" });
    assertEquals([args, code], [args, expected], stderr);
    assertStringIncludes(stderr, text);
  }));
  assertEquals(server.visits.length, 0);
});

Deno.test("request --form takes a file of any size in little memory", async () => {
  using dir = tempDir();
  const size = 400 * 1024 * 1024;
  Deno.writeFileSync(dir.at("large"), new Uint8Array());
  Deno.truncateSync(dir.at("large"), size);
  let announced = "";
  let received = 0;
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    announced = request.headers.get("content-length") ?? "";
    for await (const bytes of request.body!) received += bytes.length;
    return new Response("ok");
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  const { code, peak } = await peakMemory(["request", "-F", "a=1", "-F", `f=@${dir.at("large")}`, url]);
  await server.shutdown();
  assertEquals([code, announced], [0, String(received)]);
  assert(received > size && received < size + 1000, `${received} bytes`);
  assert(peak > 10 && peak < 160, `the peak was ${peak} MB`);
});
