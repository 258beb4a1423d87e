import { createHandler } from "../lib/server/handler.ts";
import { createAuthenticate } from "../lib/server/authenticate.ts";
import { parsePerms } from "../lib/server/access.ts";
import { DavState } from "../lib/server/dav/state.ts";
import { TOP } from "../lib/server/mounts.ts";
import { Shares } from "../lib/server/shares.ts";
import { Staging } from "../lib/server/staging.ts";
import { Uploads } from "../lib/server/tus/uploads.ts";
import { createSyncApi } from "../lib/server/sync/api.ts";
import { testStore } from "../lib/store/conformance/suite.ts";
import { RemoteStore } from "../lib/store/remote/remote_store.ts";

// Over a real connection, so that what HTTP does to bodies is part of the test.
testStore("RemoteStore", async (root, name) => {
  const warn = (message: string) => console.error(message);
  const state = Deno.makeTempDirSync({ prefix: "ferry-state-" });
  const sync = createSyncApi(root, { dir: () => state, warn });
  const staging = new Staging(root);
  const dav = new DavState({ dir: () => `${root}/.ferry`, root, warn });
  const handler = createHandler({
    shares: new Shares([{
      mount: TOP,
      share: { root, hidden: false, follow: "inside", staging, uploads: new Uploads(root), dav },
    }]),
    authenticate: await createAuthenticate({
      anonymous: [{ path: "", perms: parsePerms("rwd")! }],
      users: [],
    }),
    syncApi: sync.handle,
    warn,
  });
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen() {},
    onError: () => new Response(null, { status: 500 }),
  }, handler);
  const store = new RemoteStore(
    new URL(`http://127.0.0.1:${server.addr.port}/${encodeURIComponent(name).replaceAll("%2F", "/")}/`),
  );
  return {
    store,
    [Symbol.asyncDispose]: async () => {
      store.close();
      await server.shutdown();
      await sync.close();
      staging.close();
      dav[Symbol.dispose]();
      await Deno.remove(state, { recursive: true });
    },
  };
});
