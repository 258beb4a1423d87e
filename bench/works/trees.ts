/** What pulling and pushing a tree share: a timed command, the flushed disk before it, the check after it. */
import type { Daemon } from "../daemon.ts";
import type { Peer, ServeOptions } from "../peers/peer.ts";
import { type CommandLine, run, runWell } from "../process.ts";
import { checkSize, compareTrees } from "../tree.ts";
import type { Bench, Contestant, Sample, Target } from "./work.ts";

/** A peer that has the function `K`. */
export type Able<K extends keyof Peer> = Peer & Required<Pick<Peer, K>>;

/** The peers that can do all of `parts`, on this target. */
export function able<K extends keyof Peer>(bench: Bench, target: Target, ...parts: K[]): Able<K>[] {
  return bench.peers.filter((peer): peer is Able<K> =>
    parts.every((part) => peer[part] !== undefined) && (target.kind === "disk" || !peer.diskOnly)
  );
}

/** Sets each peer up; one that cannot be set up becomes a contestant that fails, and the others go on. */
export async function contestantsOf<P extends Peer>(
  peers: readonly P[],
  setUp: (peer: P) => SetUp | Promise<SetUp>,
): Promise<Contestant[]> {
  const contestants: Contestant[] = [];
  for (const peer of peers) {
    let contestant: SetUp;
    try {
      contestant = await setUp(peer);
    } catch (error) {
      contestant = { run: () => Promise.reject(error) };
    }
    contestants.push({ name: peer.name, rounds: peer.rounds, ...contestant });
  }
  return contestants;
}

type SetUp = Pick<Contestant, "run" | "finish">;

/** Starts the server of `peer`, to be stopped with `stack`. */
export async function served(
  peer: Able<"serve">,
  dir: string,
  options: ServeOptions,
  stack: AsyncDisposableStack,
): Promise<Daemon> {
  const server = await peer.serve(dir, options);
  stack.defer(() => server.stop());
  return server;
}

/**
 * Removes the folder `dir`, which a round has filled: from a disk only at the end, since ext4 looks at each of the inodes
 * that were just freed before it makes a file, which would be measured in the next round.
 */
export async function clear(dir: string, target: Target, stack: AsyncDisposableStack): Promise<void> {
  const remove = () => Deno.remove(dir, { recursive: true });
  if (target.kind === "disk") stack.defer(remove);
  else await remove();
}

/** Times `command`, in seconds, with the memory of both sides. */
export async function timed(command: CommandLine, target: Target, server: Daemon): Promise<Sample> {
  if (target.kind === "disk") {
    // What the last run left to be written must not slow this one down.
    await run({ path: "sync", args: ["-f", target.dir] }).catch(() => null);
  }
  const result = await runWell(command, { watch: true });
  return { value: result.ms / 1000, serverPeak: server.peakMemory(), clientPeak: result.peakMemory };
}

/** Sees that the whole corpus is in `dir`: byte by byte when `thorough`, else by count and size. */
export function verify(bench: Bench, dir: string, peer: Peer, thorough: boolean): void {
  if (thorough) compareTrees(bench.corpus.dir, dir, { metadata: peer.faithful });
  else checkSize(dir, bench.corpus.size);
}
