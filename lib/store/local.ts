/** A folder of the local file system as a Store. */
import { FerryError, osCode, osReason, quote } from "../core/errors.ts";
import type { Tree } from "../core/entry.ts";
import type { FileFrame, ProblemFrame } from "../wire/pack.ts";
import type { Content, NoContent } from "../wire/stream.ts";
import { openContent, readOutcome, readSmall } from "./read.ts";
import { StrictPaths } from "./root.ts";
import { scanTree } from "./scan.ts";
import { removeStaleStages, Stage } from "./stage.ts";
import type { ScanOptions, Store, WriteSession } from "./store.ts";
import { LocalWriter } from "./write.ts";

export class LocalStore implements Store {
  readonly label: string;
  readonly traffic = { sent: 0, received: 0 };

  /** `path` as the user gave it. Nothing is touched before it is needed. */
  constructor(path: string) {
    this.label = path;
  }

  kind(): Promise<"dir" | "file" | "absent"> {
    try {
      return Promise.resolve(Deno.statSync(this.label).isDirectory ? "dir" : "file");
    } catch (error) {
      // Below a file there is nothing either.
      if (error instanceof Deno.errors.NotFound || osCode(error) === "ENOTDIR") {
        return Promise.resolve("absent");
      }
      return Promise.reject(
        new FerryError("read_failed", `cannot read ${quote(this.label)}: ${osReason(error)}`, {
          cause: error,
        }),
      );
    }
  }

  async scan(options: ScanOptions = {}): Promise<Tree> {
    return await scanTree(this.#realRoot(), options);
  }

  read(paths: readonly string[]): Promise<(FileFrame | ProblemFrame)[]> {
    const strict = new StrictPaths(this.#realRoot());
    return Promise.resolve(paths.map((path, index): FileFrame | ProblemFrame => {
      try {
        let content = new Uint8Array(0);
        const { mtime, mode } = readSmall(strict, path, (size) => content = new Uint8Array(size));
        return { kind: "file", index, mtime, mode, content };
      } catch (error) {
        return { kind: "problem", index, ...readOutcome(error) };
      }
    }));
  }

  // deno-lint-ignore require-await -- async so that what it throws becomes a rejection
  async open(path: string): Promise<Content | NoContent> {
    return openContent(new StrictPaths(this.#realRoot()), path);
  }

  // deno-lint-ignore require-await -- async so that what it throws becomes a rejection
  async write(): Promise<WriteSession> {
    try {
      Deno.mkdirSync(this.label, { recursive: true });
    } catch (error) {
      throw new FerryError("write_failed", `cannot make the folder ${quote(this.label)}: ${osReason(error)}`);
    }
    const root = this.#realRoot();
    removeStaleStages(root);
    return new LocalWriter(root, new Stage(root));
  }

  close(): void {}

  #realRoot(): string {
    try {
      return Deno.realPathSync(this.label);
    } catch (error) {
      throw new FerryError("read_failed", `cannot read ${quote(this.label)}: ${osReason(error)}`, {
        cause: error,
      });
    }
  }
}
