/** Programs of others that tests run, where they are installed. */

import { freePort } from "../bench/daemon.ts";

/** Whether the program is there; says so in a line when it is not, since a test is then passed over. */
export function installed(program: string): boolean {
  try {
    new Deno.Command(program, { args: ["--version"], stdin: "null", stdout: "null", stderr: "null" })
      .outputSync();
    return true;
  } catch {
    console.error(`${program} is not installed: its tests are passed over`);
    return false;
  }
}

/** A server of others on a port of 127.0.0.1; `await using` ends it. */
export interface RunningProgram extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  host: string;
  port: number;
  /** A folder of its own, which goes with it. */
  dir: string;
}

/** Starts `program` in the foreground with `argsFor` a free port and a folder, and waits until it listens. */
export async function startProgram(
  program: string,
  argsFor: (port: number, dir: string) => string[],
): Promise<RunningProgram> {
  const dir = Deno.makeTempDirSync({ prefix: "ferry-test-" });
  const port = freePort();
  const args = argsFor(port, dir);
  const child = new Deno.Command(program, { args, stdin: "null", stdout: "null", stderr: "null" }).spawn();
  const dispose = async () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await child.status;
    Deno.removeSync(dir, { recursive: true });
  };
  for (let tries = 0; !await isReady(port); tries++) {
    if (tries === 500) {
      await dispose();
      throw new Error(`${program} does not listen`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return { host: `127.0.0.1:${port}`, port, dir, [Symbol.asyncDispose]: dispose };
}

async function isReady(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}
