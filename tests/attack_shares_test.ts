/** No spelling of a path leads from one share into another, past the rules of a share, or out of all of them. */
import { assert, assertEquals } from "@std/assert";
import { rawRequest, serve, tempDir, treeDigest } from "./harness.ts";

const CANARY = "the canary of a closed share";

/** Ways to write something that ends up at `/closed/secret` for whoever reads paths in another way than the router. */
const SPELLINGS = [
  "/closed/secret",
  "/%63losed/secret",
  "/closed/%73ecret",
  "/open/../closed/secret",
  "/open/%2e%2e/closed/secret",
  "/open/.%2e/closed/secret",
  "/open/..%2fclosed/secret",
  "/open/..%5cclosed%5csecret",
  "/open\\..\\closed\\secret",
  "/open/%252e%252e/closed/secret",
  "/open//../closed/secret",
  "/open/./../closed/secret",
  "/open/..;/closed/secret",
  "/open/%c0%ae%c0%ae/closed/secret",
  "/open/..%00/closed/secret",
  "//closed/secret",
  "/./closed/secret",
  "/closed//secret",
  "/closed%2fsecret",
  "/closed/./secret",
  "/closed/x/../secret",
  "/open/link/secret",
  "/open/closed/secret",
  "/open?/../closed/secret",
  "/open#/../closed/secret",
  "http://127.0.0.1/closed/secret",
  "http://127.0.0.1/open/../closed/secret",
  "http://closed/secret",
  "/CLOSED/secret",
  "/closed./secret",
  "/closed /secret",
];

const METHODS = [
  "GET",
  "HEAD",
  "PROPFIND",
  "PUT",
  "DELETE",
  "MKCOL",
  "PROPPATCH",
  "LOCK",
  "COPY",
  "MOVE",
  "POST",
];

Deno.test("no method reaches a closed share by any spelling of its path", async () => {
  using dir = tempDir({ "open/f": "open", "closed/secret": CANARY, "outside": CANARY, "config/x": "" });
  Deno.symlinkSync("../closed", dir.at("open/link"));
  Deno.writeTextFileSync(
    dir.at("config/ferry.jsonc"),
    JSON.stringify({
      log: "none",
      anonymous: "rwd",
      shares: [
        { path: "/open", folder: "../open" },
        { path: "/closed", folder: "../closed", anonymous: "none" },
      ],
    }),
  );
  await using server = await serve(null, ["--config", dir.at("config/ferry.jsonc")]);
  const before = await treeDigest(dir.at("closed"));
  const ask = async (line: string, more = "") => {
    const head =
      `${line} HTTP/1.1\r\nHost: 127.0.0.1\r\n${more}Content-Length: 0\r\nConnection: close\r\n\r\n`;
    const answer = await rawRequest(server.port, head);
    assert(!answer.body.includes(CANARY), `${line}: ${answer.body}`);
    assert(answer.status >= 200 && answer.status < 500, `${line}: ${answer.status}`);
    return answer;
  };
  for (const path of SPELLINGS) {
    for (const method of METHODS) {
      const { body } = await ask(`${method} ${path}`, "Destination: /open/taken\r\nDepth: 1\r\n");
      assert(!body.includes("closed/secret</"), `${method} ${path} told of the file: ${body}`);
    }
    for (const method of ["COPY", "MOVE"]) {
      const { status } = await ask(`${method} /open/f`, `Destination: ${path}\r\n`);
      // Within the open share a name may look like anything.
      if (status < 300) await ask("MOVE " + path, "Destination: /open/f\r\n");
    }
    const query = encodeURIComponent(path.slice(1));
    await ask(`GET /.ferry/v1/tree?path=${query}`);
    await ask(`GET /.ferry/v1/file?path=${query}&file=secret`);
  }
  assertEquals(await treeDigest(dir.at("closed")), before);
  const listing = await ask("GET /?format=json");
  assertEquals(JSON.parse(listing.body).entries.map(({ name }: { name: string }) => name), ["open"]);
});
