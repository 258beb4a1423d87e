import { assert, assertEquals } from "@std/assert";
import { ChunkCutter, type ChunkGuess, ChunkList } from "./chunk_list.ts";
import { chunkSizes } from "./chunker.ts";
import { ListFollower } from "./list_follower.ts";
import { joined } from "../core/joined.ts";
import { noise } from "./samples.ts";

const SIZES = chunkSizes(10);

function listOf(bytes: Uint8Array, guess?: ChunkGuess): ChunkList {
  const list = new ChunkList();
  const cutter = new ChunkCutter(SIZES, (length, name) => list.add(length, name), guess);
  for (let at = 0; at < bytes.length; at += 5000) cutter.push(bytes.slice(at, at + 5000));
  cutter.finish();
  return list;
}

const chunksOf = (list: ChunkList) =>
  Array.from({ length: list.count }, (_, i) => [list.lengthAt(i), list.nameAt(i)]);

Deno.test("ListFollower makes an old version be cut as it would be without a list, and finds what is the same", () => {
  const old = noise(200_000, 1), other = noise(200_000, 7);
  const versions: [string, Uint8Array, number][] = [
    ["the same", old, 1],
    ["a part overwritten", joined([old.slice(0, 90_000), other.slice(0, 3000), old.slice(93_000)]), 0.9],
    ["something put in", joined([old.slice(0, 90_000), other.slice(0, 30_000), old.slice(90_000)]), 0.8],
    ["something left out", joined([old.slice(0, 50_000), old.slice(90_000)]), 0.7],
    ["another order", joined([old.slice(100_000), old.slice(0, 100_000)]), 0.9],
    ["nothing in common", other, 0],
    ["nothing", new Uint8Array(0), 0],
  ];
  const plain = chunksOf(listOf(old));
  for (const [label, version, share] of versions) {
    const follower = new ListFollower(listOf(version));
    let matched = 0;
    const counting: ChunkGuess = {
      match: (bytes) => {
        const found = follower.match(bytes);
        if (found !== null) matched++;
        return found;
      },
      missed: (name) => follower.missed(name),
    };
    const followed = chunksOf(listOf(old, counting));
    // The end of the other version may lie in the midst of this one.
    if (label === "another order") assertEquals(sum(followed), sum(plain));
    else assertEquals([label, followed], [label, plain]);
    assert(matched >= share * plain.length - 3, `${label}: ${matched} of ${plain.length}`);
  }
});

const sum = (chunks: number[][]) => chunks.reduce((sum, [length]) => sum + length, 0);

Deno.test("ListFollower goes along with a list that is still coming in", () => {
  const old = noise(50_000, 1), list = new ChunkList(), whole = listOf(old);
  const follower = new ListFollower(list);
  for (let i = 0, at = 0; i < whole.count; i++) {
    assertEquals(follower.match(old.subarray(at)), null);
    list.add(whole.lengthAt(i), whole.nameAt(i));
    assertEquals(follower.at, at);
    assertEquals(follower.match(old.subarray(at)), { length: whole.lengthAt(i), name: whole.nameAt(i) });
    at += whole.lengthAt(i);
  }
});
