import { defineCommand } from "../lib/cli/command.ts";
import { formatBytes, formatMs } from "../lib/cli/units.ts";
import { FerryError, quote } from "../lib/core/errors.ts";
import { bringPackage, EXAMPLE_PACKAGE } from "../lib/demo/example_tree.ts";
import { runSelf, type ServerProcess, startServer } from "../lib/demo/program.ts";
import { type Step, tellStory } from "../lib/demo/story.ts";

export const demo = defineCommand({
  name: "demo",
  summary:
    "See Ferry do its whole job on a real tree: serve, replicate, fetch, upload, replicate again, compare.",
  usage: ["demo [flags]"],
  args: { min: 0, max: 0 },
  flags: {
    from: {
      type: "string",
      value: "DIR",
      about: `take a copy of DIR instead of ${EXAMPLE_PACKAGE} from npm`,
    },
    keep: { type: "boolean", about: "leave both servers up until Ctrl-C" },
  },
  notes: [
    "Everything happens in a temporary folder, which is removed at the end, and on free ports of this machine.",
  ],
  examples: [
    { run: "ferry demo", about: "the whole show" },
    {
      run: "ferry demo --from ~/documents --keep",
      about: "on a copy of your own files; look around afterwards",
    },
  ],
  exits: [0, 1, 2, 26, 43, 130, 143],

  async run({ flags }, io) {
    const start = performance.now();
    const { from } = flags;
    if (from !== undefined && !isFolder(from)) {
      throw new FerryError("usage", `--from ${quote(from)}: there is no such folder`);
    }
    const work = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "ferry-demo-" }));
    const servers: ServerProcess[] = [];
    try {
      const say = flags.quiet || flags.json ? () => {} : io.out;
      say(`Ferry demo on ${from === undefined ? EXAMPLE_PACKAGE : quote(from)}\n\n`);
      await runSelf(["sync", "--quiet", from ?? await bringPackage(`${work}/npm`), `${work}/a`]);
      Deno.mkdirSync(`${work}/b`);
      const places = [];
      for (const name of ["a", "b"]) {
        io.stop.throwIfAborted();
        const server = await startServer([`${work}/${name}`, "--writable"]);
        servers.push(server);
        places.push({ dir: `${work}/${name}`, url: server.url });
        say(`  ${name.toUpperCase()}  ${server.url}  ${work}/${name}\n`);
      }
      say("\n");
      for await (const step of tellStory({ a: places[0], b: places[1] })) {
        io.stop.throwIfAborted();
        io.out(
          flags.json
            ? JSON.stringify({ event: "step", ...step, ms: Math.round(step.ms) }) + "\n"
            : stepLine(step),
        );
      }
      say(`\nAll of it in ${formatMs(performance.now() - start)}.\n`);
      if (flags.keep) {
        io.err("ferry: both servers stay up; Ctrl-C ends them and removes their folders\n");
        await new Promise((resolve) => io.stop.addEventListener("abort", resolve, { once: true }));
      }
      return 0;
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
      Deno.removeSync(work, { recursive: true });
    }
  },
});

function stepLine({ name, detail, bytes, ms }: Step): string {
  const room = 46;
  const shown = quote(detail.length > room ? detail.slice(0, room - 3) + "..." : detail);
  return `  ${name.padEnd(28)}${shown.padEnd(room + 2)}${formatBytes(bytes).padStart(9)}${
    formatMs(ms).padStart(9)
  }\n`;
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}
