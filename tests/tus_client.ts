/** Runs tus-js-client, the library of browsers and Uppy, as a program of its own; fixtures/tus_client pins it. */
import { assert } from "@std/assert";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { ENV } from "./harness.ts";

/** Uploads the file of the first argument, with the options of the second, and says the URL of the upload. */
const PROGRAM = `
import * as fs from "node:fs";
import { PassThrough } from "node:stream";
import process from "node:process";
import * as tus from "tus-js-client";
const [path, json] = process.argv.slice(2);
const { stopAt, unknownLength, terminate, ...options } = JSON.parse(json);
const file = fs.createReadStream(path);
const client = new tus.Upload(unknownLength ? file.pipe(new PassThrough()) : file, {
  retryDelays: Array.from({ length: 20 }, () => 10),
  ...options,
  onError(error) {
    console.error(String(error));
    process.exit(1);
  },
  onChunkComplete(_size, accepted) {
    if (accepted === stopAt) client.abort().then(() => console.log(client.url));
  },
  async onSuccess() {
    if (terminate) await client.abort(true);
    console.log(client.url);
  },
});
client.start();
`;

/** What tus-js-client takes, and what this program does besides. */
export interface ClientOptions {
  endpoint?: string;
  uploadUrl?: string;
  metadata?: Record<string, string>;
  chunkSize?: number;
  uploadDataDuringCreation?: boolean;
  parallelUploads?: number;
  uploadLengthDeferred?: boolean;
  retryDelays?: null;
  /** Stops after so many bytes. */
  stopAt?: number;
  /** Reads the file as a stream whose end nobody knows. */
  unknownLength?: boolean;
  /** Ends the upload, by its URL, when it is done. */
  terminate?: boolean;
}

/** Longer than any upload of these tests takes. */
const LIMIT_MS = 280_000;

/** tus-js-client where it can run; `using` removes it. */
export interface TusClient extends Disposable {
  /** Uploads the file `path` and gives the upload's URL. */
  upload(path: string, options: ClientOptions): Promise<string>;
}

/** Installs the client for `runtime`. */
export async function tusClient(runtime: "deno" | "node"): Promise<TusClient> {
  const dir = Deno.makeTempDirSync({ prefix: "ferry-tus-" });
  const run = async (command: string, args: string[]) => {
    const signal = AbortSignal.timeout(LIMIT_MS);
    const child = new Deno.Command(command, { args, cwd: dir, env: ENV, signal });
    const { success, stdout, stderr } = await child.output();
    assert(success, `${command} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
    return new TextDecoder().decode(stdout).trim();
  };
  const fixtures = new URL("../fixtures/tus_client/", import.meta.url);
  for (const name of ["package.json", "deno.lock"]) {
    Deno.copyFileSync(new URL(name, fixtures), `${dir}/${name}`);
  }
  Deno.writeTextFileSync(`${dir}/main.mjs`, PROGRAM);
  await run(Deno.execPath(), ["install", "--quiet", "--node-modules-dir=auto", "--frozen"]);
  const deno = ["run", "-A", "--quiet", "--node-modules-dir=manual"];
  return {
    upload: (path, options) => {
      const args = ["main.mjs", path, JSON.stringify(options)];
      return runtime === "node" ? run("node", args) : run(Deno.execPath(), [...deno, ...args]);
    },
    [Symbol.dispose]: () => Deno.removeSync(dir, { recursive: true }),
  };
}

/** Whether there is Node; says so where not. */
export function hasNode(): boolean {
  try {
    return new Deno.Command("node", { args: ["--version"], stdout: "null", stderr: "null" }).outputSync()
      .success;
  } catch {
    console.log("there is no node: tests of tus-js-client in Node are left out");
    return false;
  }
}

const BLOCK_BYTES = 64 * 1024;

/** Writes a file of `size` bytes that do not repeat, and gives its SHA-256. */
export function writeLarge(path: string, size: number): string {
  const hash = createHash("sha256");
  const block = crypto.getRandomValues(new Uint8Array(BLOCK_BYTES));
  const words = new Uint32Array(block.buffer);
  using file = Deno.openSync(path, { write: true, createNew: true });
  for (let at = 0; at < size; at += BLOCK_BYTES) {
    words[0] = at / BLOCK_BYTES;
    const bytes = block.subarray(0, Math.min(size - at, BLOCK_BYTES));
    hash.update(bytes);
    for (let written = 0; written < bytes.length;) written += file.writeSync(bytes.subarray(written));
  }
  return hash.digest("hex");
}

/** The SHA-256 of a file of any size. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const bytes of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(bytes);
  return hash.digest("hex");
}
