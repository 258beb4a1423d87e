import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { FerryError } from "../lib/core/errors.ts";
import { RemoteStore } from "../lib/store/remote/remote_store.ts";
import { treeEnd, treeHead, treeLine } from "../lib/wire/tree.ts";
import { hostile, silence, type Visit } from "./hostile_server.ts";

const INFO = JSON.stringify({ ferry: "0.1.0", protocol: 1, kind: "dir", permissions: "rwd" });

/** A server that answers `info` and leaves the rest to `behaviour`; its client gives up after a silence of so many ms. */
async function against(
  behaviour: (visit: Visit) => Promise<void>,
  work: (store: RemoteStore) => Promise<unknown>,
  { silence }: { silence: number } = { silence: 300 },
): Promise<unknown> {
  await using server = hostile((visit) =>
    visit.target.includes("/info?")
      ? visit.answer("200 OK", INFO, "Content-Type: application/json")
      : behaviour(visit)
  );
  const store = new RemoteStore(new URL(server.url + "/"), { silence });
  try {
    return await work(store);
  } finally {
    store.close();
  }
}

const WORKS: Record<string, (store: RemoteStore) => Promise<unknown>> = {
  scan: (store) => store.scan(),
  read: (store) => store.read(["a"]),
  open: async (store) => {
    const content = await store.open("a");
    assert(content.kind === "content");
    while (await content.next() !== null);
  },
};

for (const [name, work] of Object.entries(WORKS)) {
  for (
    const [way, behaviour] of Object.entries({
      "before it answers": () => silence(),
      "in mid-answer": async (visit: Visit) => {
        await visit.head("HTTP/1.1 200 OK", "Content-Length: 1000000");
        // A file of a million bytes, of which a few come.
        if (name !== "scan") {
          const kind = name === "open" ? "\x03" : "\x01";
          await visit.send("FERRYPK1" + kind + "\0".repeat(12) + "\x0f\x42\x40" + "\0".repeat(12));
        }
        await visit.send("x".repeat(100));
        await silence();
      },
    })
  ) {
    Deno.test(`RemoteStore.${name}() gives up a server that falls silent ${way}`, async () => {
      await against(behaviour, async (store) => {
        const error = await assertRejects(() => work(store), FerryError);
        // 300 ms, or when a slow machine has seen it.
        assertMatch(error.message, /: not a byte moved for ([3-9]\d\d ms|\d+\.\d\d s)$/);
        assertEquals([error.code, error.message.startsWith(store.label)], ["timeout", true]);
      });
    });
  }
}

Deno.test("RemoteStore.scan() waits for a server that says that it is at work", async () => {
  const tree = await against(
    async (visit) => {
      await visit.head("HTTP/1.1 200 OK", "Connection: close");
      await visit.send(treeHead());
      for (let i = 0; i < 13; i++) {
        await visit.send("\n");
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      await visit.send(treeLine({ dir: "", entries: [] }) + treeEnd(0));
    },
    (store) => store.scan(),
    { silence: 1000 },
  );
  assertEquals(tree, new Map());
});
