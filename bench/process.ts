/** Starts the programs of the bench, times them, and sees that none outlives it. */
import { watchMemory } from "./memory.ts";

export interface CommandLine {
  path: string;
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
  cwd?: string;
}

export interface RunResult {
  code: number;
  stdout: string;
  stderr: string;
  /** From before the start to after the end. */
  ms: number;
  /** Bytes; 0 when it was not watched. */
  peakMemory: number;
}

/** Every process that has been started and not yet ended, so that nothing outlives the bench. */
const running = new Set<Deno.ChildProcess>();
let ending = false;

/** No single run may take longer; whatever hangs is killed and counts as failed. */
const RUN_LIMIT_MS = 600_000;
const STOP_LIMIT_MS = 12_000;

/** Runs a command to its end; `watch` also samples its memory. */
export async function run(command: CommandLine, options: { watch?: boolean } = {}): Promise<RunResult> {
  const began = performance.now();
  const child = spawn(command);
  const memory = options.watch ? watchMemory(child.pid) : null;
  const timer = setTimeout(() => kill(child, "SIGKILL"), RUN_LIMIT_MS);
  const ended = child.status.then(() => performance.now());
  const output = await child.output();
  const ms = await ended - began;
  clearTimeout(timer);
  memory?.stop();
  const decoder = new TextDecoder();
  return {
    code: output.code,
    stdout: decoder.decode(output.stdout),
    stderr: decoder.decode(output.stderr),
    ms,
    peakMemory: memory?.peak() ?? 0,
  };
}

/** As `run`, but throws, naming the command and what it said, when the exit status is not 0. */
export async function runWell(command: CommandLine, options: { watch?: boolean } = {}): Promise<RunResult> {
  const result = await run(command, options);
  if (result.code !== 0) {
    const words = `${result.stderr}\n${result.stdout}`.trim().split("\n").slice(-12).join("\n");
    throw new Error(`${showCommand(command)} ended with ${result.code}: ${words}`);
  }
  return result;
}

/** First line of what a command says about itself (stdout, else stderr); null when it is not installed. */
export async function firstLine(path: string, args: readonly string[]): Promise<string | null> {
  try {
    const { stdout, stderr } = await run({ path, args });
    return (stdout.trim() || stderr.trim()).split("\n")[0];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) return null;
    throw error;
  }
}

/** Stops whatever still runs; from then on nothing can be started. */
export async function stopAll(): Promise<void> {
  ending = true;
  await Promise.all([...running].map(end));
}

/** Whether `stopAll` was called: what fails now fails for that reason. */
export function stopping(): boolean {
  return ending;
}

/** The command as a person would type it. */
export function showCommand(command: CommandLine): string {
  return [command.path.split("/").at(-1), ...command.args].join(" ");
}

/** Starts a process whose output is piped; it ends with the bench at the latest. */
export function spawn(command: CommandLine): Deno.ChildProcess {
  if (ending) throw new Error("the bench is being stopped");
  const child = new Deno.Command(command.path, {
    args: [...command.args],
    env: { NO_COLOR: "1", LC_ALL: "C.UTF-8", ...command.env },
    cwd: command.cwd,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  running.add(child);
  child.status.then(() => running.delete(child));
  return child;
}

/** Ends a process: SIGTERM, and SIGKILL when that does not help. */
export async function end(child: Deno.ChildProcess): Promise<void> {
  kill(child, "SIGTERM");
  const timer = setTimeout(() => kill(child, "SIGKILL"), STOP_LIMIT_MS);
  await child.status;
  clearTimeout(timer);
}

function kill(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch {
    // It has ended by itself.
  }
}
