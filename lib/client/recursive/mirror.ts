/** `ferry request --recursive`: the jobs that a folder of a server is mirrored by, and what became of them. */
import { formatBytes } from "../../cli/units.ts";
import { FerryError } from "../../core/errors.ts";
import { formatHttpDate } from "../../http/date.ts";
import type { Job } from "../jobs/job.ts";
import { type Step, walk, type WalkTools } from "./walk.ts";

/** One folder that is mirrored. */
export interface MirrorPlan {
  /** The folder, its path with a slash at the end. */
  root: URL;
  /** `USER:PASSWORD@` as it stood in the URL, or nothing. */
  userinfo: string;
  depth: number;
}

/** The mirror of one folder. */
export class Mirror {
  /** Files that were fetched, and their bytes. */
  fetched = 0;
  bytes = 0;
  /** Files that were here already as they are there. */
  unchanged = 0;
  failed = 0;

  constructor(readonly plan: MirrorPlan, readonly tools: WalkTools) {}

  /** The jobs of each folder, as they are found. */
  async *folders(): AsyncGenerator<Iterator<Job>> {
    const { root, depth } = this.plan;
    for await (const steps of walk(root, depth, this.tools)) yield this.#jobsOf(steps);
  }

  *#jobsOf(steps: Iterable<Step>): Generator<Job> {
    for (const step of steps) {
      const job = this.#job(step);
      if (job !== null) yield job;
    }
  }

  #job(step: Step): Job | null {
    switch (step.kind) {
      case "same":
        this.unchanged++;
        return null;
      case "problem":
        return { target: step.url, fault: step.error, onEnd: () => void this.failed++ };
      case "fetch": {
        const { since, mtime } = step;
        return {
          target: step.url.replace("//", `//${this.plan.userinfo}`),
          output: this.tools.local.at(step.path),
          mtime: mtime ?? "server",
          headers: since === undefined
            ? undefined
            : new Headers({ "if-modified-since": formatHttpDate(since) }),
          onEnd: ({ error, status, bytes }) => {
            if (error !== undefined) this.failed++;
            else if (status === 304) this.unchanged++;
            else {
              this.fetched++;
              this.bytes += bytes;
            }
          },
        };
      }
    }
  }
}

/** The line at the end of a call, about all of its mirrors. */
export function summaryOf(
  mirrors: readonly Pick<Mirror, "fetched" | "bytes" | "unchanged" | "failed">[],
): string {
  const sum = (key: "fetched" | "bytes" | "unchanged" | "failed") =>
    mirrors.reduce((total, mirror) => total + mirror[key], 0);
  const files = sum("fetched");
  return `${files} ${files === 1 ? "file" : "files"} fetched (${formatBytes(sum("bytes"))}), ` +
    `${sum("unchanged")} unchanged, ${sum("failed")} failed`;
}

/**
 * The folder that `url` names, with a slash at its end. Throws `usage` for what cannot be a folder's URL.
 */
export function folderUrl(url: URL): URL {
  if (url.search !== "") {
    throw new FerryError(
      "usage",
      `--recursive takes the URL of a folder, without a query: ${url.origin}${url.pathname}`,
    );
  }
  if (url.pathname.endsWith("/")) return url;
  const folder = new URL(url);
  folder.pathname += "/";
  return folder;
}
