import { assertEquals, assertRejects } from "@std/assert";
import { FerryError } from "../../core/errors.ts";
import type { Exchange } from "../share.ts";
import { readXml } from "./body.ts";

/** Reads a body that comes in `chunks`: gives its namespace, or the code of the error, and how many were taken. */
async function read(chunks: readonly string[], headers: Record<string, string> = {}) {
  let taken = 0;
  const body = new ReadableStream({
    pull(controller) {
      if (taken === chunks.length) controller.close();
      else controller.enqueue(new TextEncoder().encode(chunks[taken++]));
    },
  }, { highWaterMark: 0 });
  const request = new Request("http://a/", { method: "PROPFIND", headers, body });
  try {
    const root = await readXml({ request, share: {} } as Exchange);
    return { gave: root === null ? null : root.ns, taken };
  } catch (error) {
    if (!(error instanceof FerryError)) throw error;
    return { gave: error.code, taken };
  }
}

Deno.test("readXml() puts together what comes in pieces, and knows no body from XML", async () => {
  assertEquals((await read(["<a xmlns=", "'urn:x'", "/>"])).gave, "urn:x");
  assertEquals((await read([])).gave, null);
  assertEquals((await read([" "])).gave, "bad_request");
});

Deno.test("readXml() takes no more than 256 KiB, whatever length was told", async () => {
  const declared = await read(["<a/>"], { "content-length": "10000000" });
  assertEquals(declared, { gave: "too_large", taken: 0 });
  const streamed = await read(Array(160).fill(" ".repeat(64 * 1024)));
  assertEquals(streamed, { gave: "too_large", taken: 5 });
});

Deno.test("readXml() says that a body broke off", async () => {
  const body = new ReadableStream({ pull: (controller) => controller.error(new Error("reset")) });
  const request = new Request("http://a/", { method: "PROPFIND", body });
  const error = await assertRejects(() => readXml({ request, share: {} } as Exchange), FerryError);
  assertEquals(error.code, "bad_request");
});
