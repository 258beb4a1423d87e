/** How much memory a program takes at most. */
import { ENV, ferryCommand } from "./harness.ts";

/** Runs `ferry ARGS`; gives its exit status, what it wrote on stdout, and the most memory it had, in MB. */
export async function peakMemory(
  args: readonly string[],
  options: { stdin?: ReadableStream<Uint8Array> } = {},
): Promise<{ code: number; stdout: string; peak: number }> {
  const command = ferryCommand(args);
  const child = new Deno.Command(command.path, {
    args: command.args,
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "inherit",
    env: ENV,
  }).spawn();
  let peak = 0;
  const timer = setInterval(() => {
    try {
      const text = Deno.readTextFileSync(`/proc/${child.pid}/status`);
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(text)?.[1] ?? 0));
    } catch {
      // It has ended.
    }
  }, 20);
  const feeding = options.stdin?.pipeTo(child.stdin).catch(() => {});
  const output = await child.output();
  await feeding;
  clearInterval(timer);
  return { code: output.code, stdout: new TextDecoder().decode(output.stdout), peak: peak / 1024 };
}
