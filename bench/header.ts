/** What stands above the tables: when, on what, with which versions; so that a pasted table explains itself. */
import { formatBytes } from "../lib/cli/units.ts";
import type { CorpusName } from "./corpus.ts";
import { filesystem, machineLine } from "./machine.ts";
import type { TreeSize } from "./tree.ts";
import type { Target, Work } from "./works/work.ts";

export interface HeaderFacts {
  /** Program and version. */
  versions: readonly (readonly [string, string])[];
  size: TreeSize;
  corpusName: CorpusName;
  largeBytes: number;
  targets: readonly Target[];
  works: readonly Work[];
}

/** Markdown: a list of facts, then what each work is. */
export function header(facts: HeaderFacts): string {
  const { size } = facts;
  const versions = [...facts.versions, ["deno", Deno.version.deno]];
  const targets = facts.targets.map(({ kind, dir }) =>
    kind === "tmpfs" ? kind : `${kind} (${filesystem(dir)})`
  );
  return [
    `- Date: ${new Date().toISOString().slice(0, 10)}`,
    `- Machine: ${machineLine()}`,
    `- Versions: ${versions.map(([name, version]) => `${name} ${version}`).join(", ")}`,
    `- Corpus: ${facts.corpusName}, ${size.files.toLocaleString("en-US")} files, ${
      formatBytes(size.bytes)
    }, ` +
    `${size.folders.toLocaleString("en-US")} folders, ${size.links} links; large file ${
      formatBytes(facts.largeBytes)
    }`,
    `- Targets: ${targets.join(", ")}; all servers on 127.0.0.1; programs take turns, medians of the rounds`,
    "- Memory is the greatest VmHWM, for programs that fork summed over their processes",
    ...facts.works.map(({ name, about }) => `- \`${name}\`: ${about}`),
    "",
  ].join("\n");
}
