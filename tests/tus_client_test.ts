/**
 * Uploads by tus-js-client over connections that break. FERRY_FAULTS=full sends 2 GB over a connection that is cut ten
 * times, else it is a hundredth.
 */
import { assert, assertEquals } from "@std/assert";
import { cuttingProxy } from "./cutting_proxy.ts";
import { chance, SEED } from "./faults.ts";
import { serve, tempDir } from "./harness.ts";
import { type ClientOptions, hasNode, sha256OfFile, tusClient, writeLarge } from "./tus_client.ts";

const FULL = Deno.env.get("FERRY_FAULTS") === "full";
const MIB = 1024 * 1024;

/** Deno's node:http mistakes what a cut connection leaves for the beginning of the next one: there nothing is cut. */
const NODE = hasNode();

Deno.test(
  "tus-js-client: a file arrives whole over a connection that is cut ten times",
  { ignore: !NODE },
  async () => {
    const size = FULL ? 2048 * MIB : 20 * MIB;
    using dir = tempDir({ "share": null });
    using client = await tusClient("node");
    const digest = writeLarge(dir.at("large"), size);
    await using server = await serve(dir.at("share"), ["--writable"]);
    const random = chance(SEED);
    const cuts = Array.from({ length: 10 }, () => Math.floor(size * random()));
    await using proxy = cuttingProxy(server.port, cuts);
    const metadata = { filename: "large", mtime: "1500000000123" };
    await client.upload(dir.at("large"), { endpoint: `${proxy.url}/.ferry/tus/in/box/`, metadata });
    assertEquals(proxy.cuts(), 10);
    // What is under way at a cut is sent again, and nothing else.
    assert(proxy.passed() < size + 10 * 16 * MIB, `${proxy.passed()} bytes for ${size}`);
    assertEquals(await sha256OfFile(dir.at("share/in/box/large")), digest);
    assertEquals(Deno.statSync(dir.at("share/in/box/large")).mtime?.getTime(), 1500000000123);
    assertEquals(server.log().split("\n").filter((line) => /" 5\d\d /.test(line)), []);
  },
);

for (const runtime of ["deno", "node"] as const) {
  Deno.test({
    name:
      `tus-js-client in ${runtime}: a file arrives whole over a connection that is cut, however it is sent`,
    ignore: runtime === "node" && !NODE,
    async fn() {
      using dir = tempDir({ "share": null });
      using client = await tusClient(runtime);
      const digest = writeLarge(dir.at("large"), 6 * MIB + 1);
      await using server = await serve(dir.at("share"), ["--writable"]);
      const ways: Record<string, ClientOptions> = {
        "at once": {},
        "in parts": { parallelUploads: 3 },
        "in pieces": { chunkSize: MIB, uploadDataDuringCreation: true },
        "without a length": { chunkSize: MIB, unknownLength: true, uploadLengthDeferred: true },
      };
      for (const [folder, options] of Object.entries(ways)) {
        const cuts = runtime === "node" ? [1.5 * MIB, 4 * MIB] : [];
        await using proxy = cuttingProxy(server.port, [...cuts]);
        await client.upload(dir.at("large"), {
          endpoint: `${proxy.url}/.ferry/tus/${encodeURIComponent(folder)}/`,
          metadata: { filename: "ä large" },
          ...options,
        });
        assertEquals([folder, proxy.cuts()], [folder, cuts.length]);
        assertEquals(await sha256OfFile(dir.at(`share/${folder}/ä large`)), digest);
      }
    },
  });
}

Deno.test(
  "tus-js-client: several workers are as one, over connections that are cut",
  { ignore: !NODE },
  async () => {
    using dir = tempDir({ "share": null });
    using client = await tusClient("node");
    const digest = writeLarge(dir.at("large"), 20 * MIB);
    await using server = await serve(dir.at("share"), ["--writable", "--workers", "2"]);
    for (const [name, parallelUploads] of [["one", 1], ["parts", 4]] as const) {
      await using proxy = cuttingProxy(server.port, [3 * MIB, 8 * MIB, 15 * MIB]);
      const endpoint = `${proxy.url}/.ferry/tus/`;
      await client.upload(dir.at("large"), { endpoint, metadata: { filename: name }, parallelUploads });
      assertEquals([name, proxy.cuts()], [name, 3]);
      assertEquals(await sha256OfFile(dir.at(`share/${name}`)), digest);
    }
  },
);

Deno.test("tus-js-client: an upload goes on at a server that was killed and started again", async () => {
  using dir = tempDir({ "share": null });
  using client = await tusClient("deno");
  const digest = writeLarge(dir.at("large"), 8 * MIB);
  let path: string;
  {
    await using server = await serve(dir.at("share"), ["--writable"]);
    const url = await client.upload(dir.at("large"), {
      endpoint: `${server.url}/.ferry/tus/`,
      metadata: { filename: "large" },
      chunkSize: MIB,
      stopAt: 3 * MIB,
    });
    path = new URL(url).pathname;
    await server.stop("SIGKILL");
  }
  await using server = await serve(dir.at("share"), ["--writable"]);
  await using proxy = cuttingProxy(server.port, []);
  await client.upload(dir.at("large"), { uploadUrl: proxy.url + path });
  assert(proxy.passed() < 5.1 * MIB, `${proxy.passed()} bytes`);
  assertEquals(await sha256OfFile(dir.at("share/large")), digest);
});

Deno.test("tus-js-client: the end of an upload by its URL leaves the file", async () => {
  using dir = tempDir({ "share": null, "small": "small" });
  using client = await tusClient("deno");
  await using server = await serve(dir.at("share"), ["--writable"]);
  const url = await client.upload(dir.at("small"), {
    endpoint: `${server.url}/.ferry/tus/`,
    metadata: { filename: "small" },
    terminate: true,
  });
  const gone = await fetch(url, { method: "HEAD", headers: { "tus-resumable": "1.0.0" } });
  assertEquals([gone.status, Deno.readTextFileSync(dir.at("share/small"))], [404, "small"]);
});
