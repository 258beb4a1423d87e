/** Keys, tokens and share links for tests, made as a user makes them. */
import { assertEquals } from "@std/assert";
import { ferry, type RunOptions, serve, type Server, type TempDir, tempDir } from "./harness.ts";

/** A server with a key, and what is made with it. */
export interface TokenServer extends AsyncDisposable {
  dir: TempDir;
  /** What is not served: the key, the state folder. */
  own: TempDir;
  server: Server;
  key: string;
  /** `ferry token create ARGS`. */
  token(...args: string[]): Promise<string>;
  /** `ferry token share ARGS`, for a path of this server. */
  link(path: string, ...args: string[]): Promise<string>;
  /** `ferry token NAME ARGS` with the key and the state folder. */
  run(name: string, args: string[], options?: RunOptions): ReturnType<typeof ferry>;
  /** Stops the server and starts it again, on another port. */
  restart(signal?: Deno.Signal): Promise<void>;
}

/** Serves `tree` with a new key; nobody may do anything without a token unless `args` says so. */
export async function tokenServer(
  tree: Record<string, string | Uint8Array | null>,
  args: readonly string[] = ["--anonymous", "none"],
): Promise<TokenServer> {
  const dir = tempDir(tree);
  const own = tempDir();
  const key = own.at("key");
  const made = await ferry(["token", "key", key]);
  assertEquals(made.code, 0, made.stderr);
  const state = ["--state-dir", own.at("state")];
  const start = () => serve(dir.path, [...args, ...state, "--token-key", key]);
  const run = (name: string, args: string[], options?: RunOptions) =>
    ferry(
      ["token", name, "--token-key", key, ...(/revoke|inspect/.test(name) ? state : []), ...args],
      options,
    );
  const text = async (name: string, args: string[]) => {
    const { code, stdout, stderr } = await run(name, args);
    assertEquals(code, 0, stderr);
    return stdout.trim();
  };
  const self: TokenServer = {
    dir,
    own,
    key,
    server: await start(),
    token: (...args) => text("create", args),
    link: (path, ...args) => text("share", [self.server.url + path, ...args]),
    run,
    async restart(signal) {
      await self.server.stop(signal);
      self.server = await start();
    },
    async [Symbol.asyncDispose]() {
      await self.server.stop();
      dir[Symbol.dispose]();
      own[Symbol.dispose]();
    },
  };
  return self;
}

/** The header that a token is sent in. */
export function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

/** The status of a request, its body thrown away. */
export async function statusOf(url: string, init: RequestInit = {}): Promise<number> {
  const response = await fetch(url, { redirect: "manual", ...init });
  await response.body?.cancel();
  return response.status;
}
