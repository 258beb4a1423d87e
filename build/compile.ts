/**
 * Makes `dist/ferry`, or the file that is given. All code is bundled first, the libraries with it: a binary that holds
 * npm packages as such starts Node's part of the runtime with every command, which costs 10 ms (docs/design.md).
 */
import { basename, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname!, "..");

/** The program, and the modules that its workers start with, named by URLs relative to whatever module starts them. */
const MAIN = "main.ts";
const WORKERS: readonly string[] = [
  "cmd/serve_worker.ts",
  "lib/client/pipe_worker.ts",
  "lib/store/write/worker.ts",
  "lib/store/downloads/download_worker.ts",
];

const output = resolve(Deno.args[0] ?? `${ROOT}/dist/ferry`);
const bundle = Deno.makeTempDirSync({ prefix: "ferry-bundle-" });
try {
  await deno(
    "bundle",
    "--quiet",
    "--platform",
    "deno",
    "--code-splitting",
    "--outdir",
    bundle,
    MAIN,
    ...WORKERS,
  );
  for (const worker of WORKERS) {
    // All modules of the bundle lie in one folder, so that is where a worker is looked for.
    const made = worker.replace(/\.ts$/, ".js");
    Deno.writeTextFileSync(`${bundle}/${basename(worker)}`, `import ${JSON.stringify(`./${made}`)};\n`);
  }
  const { unstable } = JSON.parse(Deno.readTextFileSync(`${ROOT}/deno.json`));
  await deno(
    "compile",
    "--quiet",
    "--no-config",
    "--allow-all",
    "--no-prompt",
    "--no-check",
    // It would lie in /tmp under a name that anybody may take first, and be run.
    "--no-code-cache",
    "--v8-flags=--max-semi-space-size=2,--heap-growing-percent=50",
    ...unstable.map((feature: string) => `--unstable-${feature}`),
    ...WORKERS.flatMap((worker) => ["--include", `${bundle}/${basename(worker)}`]),
    "--output",
    output,
    `${bundle}/main.js`,
  );
} finally {
  Deno.removeSync(bundle, { recursive: true });
}

/** Runs this very Deno; ends the program with its status when it fails. */
async function deno(...args: string[]): Promise<void> {
  const { code } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT, stdin: "null" }).spawn().status;
  if (code !== 0) Deno.exit(code);
}
