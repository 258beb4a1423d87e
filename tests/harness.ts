/**
 * What the black-box tests share: the program as a user starts it (the binary that FERRY_BIN names, else from
 * source), servers on free ports that end with their test, temporary folders, raw requests.
 */
import { assert, assertEquals } from "@std/assert";

const MAIN = new URL("../main.ts", import.meta.url).pathname;
const BIN = Deno.env.get("FERRY_BIN");

/** Ferry's own state of these tests, apart from the user's. */
const STATE = Deno.makeTempDirSync({ prefix: "ferry-state-" });
globalThis.addEventListener("unload", () => Deno.removeSync(STATE, { recursive: true }));
/** What every program under test runs with: a state folder of its own, no colours, and a runtime that keeps to itself. */
export const ENV = { NO_COLOR: "1", XDG_STATE_HOME: STATE, DENO_NO_UPDATE_CHECK: "1" };

/** Keeps a server's index out of its share, so that what is in `.ferry/` does not depend on when it was built. */
const NO_INDEX_INSIDE = ["--state-dir", `${STATE}/ferry`];

/** As an argument of `serve`, leaves its state where the program puts it by itself. */
export const IN_SHARE = "(state where it belongs)";

/** The command line of the program under test. */
export function ferryCommand(args: readonly string[]): { path: string; args: string[] } {
  if (BIN) return { path: BIN.includes("/") ? Deno.realPathSync(BIN) : BIN, args: [...args] };
  return {
    path: Deno.execPath(),
    args: ["run", "-A", "--no-prompt", "--no-check", "--quiet", MAIN, ...args],
  };
}

export interface RunOptions {
  stdin?: Uint8Array | string;
  env?: Record<string, string>;
  cwd?: string;
  /** After so long the program is killed and the test fails; 60 s unless told. */
  timeoutMs?: number;
}

export interface RunResult {
  code: number;
  stdout: string;
  stderr: string;
  stdoutBytes: Uint8Array;
}

/** Runs `ferry ARGS` to its end. */
export async function ferry(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const command = ferryCommand(args);
  const child = new Deno.Command(command.path, {
    args: command.args,
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    env: { ...ENV, ...options.env },
    cwd: options.cwd,
  }).spawn();
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill("SIGKILL");
  }, options.timeoutMs ?? 60_000);
  const feeding = options.stdin === undefined ? Promise.resolve() : feed(child.stdin, options.stdin);
  const output = await child.output();
  await feeding;
  clearTimeout(timer);
  assert(!timedOut, `ferry ${args.join(" ")} did not end in time`);
  const decoder = new TextDecoder();
  return {
    code: output.code,
    stdout: decoder.decode(output.stdout),
    stderr: decoder.decode(output.stderr),
    stdoutBytes: output.stdout,
  };
}

async function feed(stream: WritableStream<Uint8Array>, data: Uint8Array | string): Promise<void> {
  const writer = stream.getWriter();
  try {
    await writer.write(typeof data === "string" ? new TextEncoder().encode(data) : data);
    await writer.close();
  } catch {
    // The program ended without reading all of it.
  }
}

/** A `ferry serve` under test; `await using` ends it. */
export interface Server extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, no slash at the end. */
  url: string;
  port: number;
  pid: number;
  /** All of stderr so far. */
  log(): string;
  /** Sends SIGTERM and gives the exit status. */
  stop(signal?: Deno.Signal): Promise<number>;
}

/** Starts `ferry serve DIR --port 0 ARGS`, with null without DIR, and waits for its `listening` event. */
export async function serve(
  dir: string | null,
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<Server> {
  const apart = args.includes("--state-dir") || args.includes(IN_SHARE) ? [] : NO_INDEX_INSIDE;
  const given = args.filter((arg) => arg !== IN_SHARE);
  const command = ferryCommand([
    "serve",
    ...(dir === null ? [] : [dir]),
    "--port",
    "0",
    "--json",
    ...apart,
    ...given,
  ]);
  const child = new Deno.Command(command.path, {
    args: command.args,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { ...ENV, ...env },
  }).spawn();
  let stderr = "";
  const reading = (async () => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) stderr += text;
  })();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let line = "";
  while (!line.includes("\n")) {
    const { value, done } = await lines.read();
    if (done) {
      await reading;
      throw new Error(`ferry serve ended with ${(await child.status).code}: ${stderr}`);
    }
    line += value;
  }
  const event = JSON.parse(line.slice(0, line.indexOf("\n")));
  assertEquals(event.event, "listening");
  const url = String(event.url).replace(/\/$/, "");
  let ended = false;
  child.status.then(() => ended = true);
  const stop = async (signal: Deno.Signal = "SIGTERM") => {
    if (!ended) child.kill(signal);
    const { code } = await child.status;
    await lines.cancel();
    await reading;
    return code;
  };
  return {
    url,
    port: url.startsWith("http") ? Number(new URL(url).port) : 0,
    pid: child.pid,
    log: () => stderr,
    stop,
    [Symbol.asyncDispose]: async () => void await stop(),
  };
}

/** A temporary folder; `using` removes it, whatever its permissions have become. */
export interface TempDir extends Disposable {
  path: string;
  /** The path of `name` below it. */
  at(name: string): string;
}

/** Makes a temporary folder and in it the files of `tree`: text or bytes for a file, null for a folder. */
export function tempDir(tree: Record<string, string | Uint8Array | null> = {}): TempDir {
  const path = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "ferry-test-" }));
  const at = (name: string) => `${path}/${name}`;
  for (const [name, content] of Object.entries(tree)) {
    const slash = name.lastIndexOf("/");
    if (content === null) Deno.mkdirSync(at(name), { recursive: true });
    else {
      if (slash !== -1) Deno.mkdirSync(at(name.slice(0, slash)), { recursive: true });
      Deno.writeFileSync(at(name), typeof content === "string" ? new TextEncoder().encode(content) : content);
    }
  }
  const dispose = () => {
    new Deno.Command("chmod", { args: ["-R", "u+rwX", path], stdout: "null", stderr: "null" }).outputSync();
    Deno.removeSync(path, { recursive: true });
  };
  return { path, at, [Symbol.dispose]: dispose };
}

/** What one raw exchange gave. */
export interface RawResponse {
  status: number;
  headers: Headers;
  body: string;
}

/**
 * Sends `request` byte for byte (each character one byte) and reads until the server closes; nothing on the way
 * normalises the path as `fetch` would. End the head with `Connection: close`.
 */
export async function rawRequest(port: number, request: string, timeoutMs = 10_000): Promise<RawResponse> {
  const connection = await Deno.connect({ port, hostname: "127.0.0.1" });
  const timer = setTimeout(() => connection.close(), timeoutMs);
  let text = "";
  try {
    await connection.write(Uint8Array.from(request, (c) => c.charCodeAt(0)));
    const buffer = new Uint8Array(64 * 1024);
    for (;;) {
      const count = await connection.read(buffer).catch(() => null);
      if (count === null) break;
      text += Array.from(buffer.subarray(0, count), (byte) => String.fromCharCode(byte)).join("");
    }
  } finally {
    clearTimeout(timer);
    try {
      connection.close();
    } catch {
      // Closed by the time limit.
    }
  }
  const end = text.indexOf("\r\n\r\n");
  const [statusLine, ...lines] = text.slice(0, end === -1 ? undefined : end).split("\r\n");
  const headers = new Headers();
  for (const line of lines) {
    headers.append(line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim());
  }
  return { status: Number(statusLine.split(" ")[1]), headers, body: end === -1 ? "" : text.slice(end + 4) };
}

/** Whether the answer says that it depends on `Accept`; Deno before 2.9 adds `Accept-Encoding` to every `Vary`. */
export function variesByAccept(response: Response): boolean {
  return (response.headers.get("vary") ?? "").split(/, */).includes("Accept");
}

/** A tree as text, one line a path: kind, mode, mtime in ms, size or link target, SHA-256. Equal text, equal trees. */
export async function treeDigest(root: string, options: { dirTimes?: boolean } = {}): Promise<string> {
  const lines: string[] = [];
  const visit = async (dir: string, prefix: string) => {
    const names = [...Deno.readDirSync(dir)].map((entry) => entry.name).filter((name) => name !== ".ferry")
      .sort();
    for (const name of names) {
      const path = `${dir}/${name}`;
      const shown = JSON.stringify(prefix + name);
      const info = Deno.lstatSync(path);
      const mode = ((info.mode ?? 0) & 0o777).toString(8);
      if (info.isSymlink) {
        lines.push(`${shown} link ${JSON.stringify(Deno.readLinkSync(path))} ${info.mtime?.getTime()}`);
      } else if (info.isDirectory) {
        lines.push(`${shown} dir ${mode}${options.dirTimes ? ` ${info.mtime?.getTime()}` : ""}`);
        await visit(path, prefix + name + "/");
      } else {
        const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", Deno.readFileSync(path)));
        lines.push(`${shown} file ${mode} ${info.mtime?.getTime()} ${info.size} ${hex(hash)}`);
      }
    }
  };
  await visit(root, "");
  return lines.join("\n");
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Lower-case hex of the SHA-256 of `data`. */
export async function sha256(data: Uint8Array | string): Promise<string> {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>)));
}

/** All that comes until the server ends the connection; throws after 15 s. */
export async function untilEnd(connection: Deno.Conn): Promise<string> {
  const text = new Response(connection.readable).text();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("the server did not end the connection")), 15_000);
  });
  return await Promise.race([text, late]).finally(() => clearTimeout(timer));
}

/** Sends a request to `server` and takes its whole answer. */
export async function ask(
  server: Pick<Server, "url">,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: string,
) {
  const response = await fetch(server.url + path, { method, headers, body });
  return { status: response.status, text: await response.text(), headers: response.headers };
}
