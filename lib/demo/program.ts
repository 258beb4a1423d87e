/** Ferry's own commands as child processes, as a user would start them. */
import { FerryError, quote } from "../core/errors.ts";

/** How to start this very program: the binary itself, or Deno with the module that it was started from. */
function selfCommand(args: readonly string[]): { path: string; args: string[] } {
  const path = Deno.execPath();
  if (Deno.build.standalone) return { path, args: [...args] };
  const main = new URL("../../main.ts", import.meta.url).pathname;
  return { path, args: ["run", "-A", "--no-prompt", "--no-check", "--quiet", main, ...args] };
}

/** What a command that has ended gave. */
export interface Ended {
  stdout: Uint8Array;
  ms: number;
}

/** Runs `ferry ARGS` with `input` on its stdin. Throws `partly_done` with its stderr unless it ends with 0. */
export async function runSelf(args: readonly string[], input?: Uint8Array): Promise<Ended> {
  const start = performance.now();
  const command = selfCommand(args);
  const child = new Deno.Command(command.path, {
    args: command.args,
    stdin: input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  if (input !== undefined) {
    const writer = child.stdin.getWriter();
    // A child that ends early closes its stdin; its exit status tells what happened.
    await writer.write(input).then(() => writer.close()).catch(() => {});
  }
  const { code, stdout, stderr } = await child.output();
  if (code !== 0) {
    const decoder = new TextDecoder();
    const said = quote((decoder.decode(stderr) || decoder.decode(stdout)).trim().slice(-1000));
    throw new FerryError("partly_done", `ferry ${args.join(" ")} ended with ${code}: ${said}`);
  }
  return { stdout, ms: performance.now() - start };
}

/** A server that runs until it is stopped. */
export interface ServerProcess {
  /** The URL of its root, with the slash at its end. */
  url: string;
  /** Ends it and waits until it has. */
  stop(): Promise<void>;
}

/** Starts `ferry serve ARGS` on a free port and waits until it answers. */
export async function startServer(args: readonly string[]): Promise<ServerProcess> {
  const command = selfCommand(["serve", ...args, "--port", "0", "--json", "--quiet"]);
  const child = new Deno.Command(command.path, {
    args: command.args,
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let line = "";
  while (!line.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new FerryError("partly_done", `ferry serve ended with ${(await child.status).code}`);
    line += value;
  }
  const stop = async () => {
    try {
      child.kill("SIGTERM");
    } catch {
      // It has ended already.
    }
    await child.status;
    await reader.cancel();
  };
  return { url: JSON.parse(line.slice(0, line.indexOf("\n"))).url, stop };
}
