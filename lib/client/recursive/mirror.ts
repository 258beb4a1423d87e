/** `ferry request --recursive`: the jobs that a folder of a server is mirrored by, and what became of them. */
import { formatBytes } from "../../cli/units.ts";
import { FerryError } from "../../core/errors.ts";
import { formatHttpDate } from "../../http/date.ts";
import type { Job } from "../jobs/job.ts";
import type { Outcome } from "../jobs/outcome.ts";
import { KnownEtags } from "./known_etags.ts";
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

  readonly #etags: KnownEtags;

  constructor(readonly plan: MirrorPlan, readonly tools: WalkTools) {
    this.#etags = new KnownEtags(tools.local.root);
  }

  /** Keeps what the next run needs. Throws `write_failed`. */
  close(): void {
    this.#etags.save();
  }

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

  /** What asks the server for the file `path` only if that is not the one that is here. */
  #condition(path: string, here: { size: number; mtime: number }): Headers {
    const etag = this.#etags.of(path, here);
    return new Headers(
      etag === null ? { "if-modified-since": formatHttpDate(here.mtime) } : { "if-none-match": etag },
    );
  }

  /** Times serve better than ETags: they lie with the file itself. */
  #stored(path: string, { lastModified, etag }: { lastModified?: number; etag?: string | null }): void {
    this.#etags.set(path, lastModified === undefined ? etag ?? null : null);
  }

  /** One for all jobs, which are many. */
  readonly #ended = ({ error, status, bytes }: Outcome) => {
    if (error !== undefined) this.failed++;
    else if (status === 304) this.unchanged++;
    else {
      this.fetched++;
      this.bytes += bytes;
    }
  };

  #job(step: Step): Job | null {
    switch (step.kind) {
      case "same":
        this.unchanged++;
        return null;
      case "problem":
        return { target: step.url, fault: step.error, onEnd: () => void this.failed++ };
      case "fetch": {
        const { path, here, mtime } = step;
        const { userinfo } = this.plan;
        return {
          // By a function: a password may have a `$`.
          target: userinfo === "" ? step.url : step.url.replace("//", () => `//${userinfo}`),
          output: this.tools.local.at(path),
          sole: true,
          mtime: mtime ?? "server",
          headers: here === undefined ? undefined : this.#condition(path, here),
          onStored: mtime === undefined ? (said) => this.#stored(path, said) : undefined,
          onEnd: this.#ended,
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
