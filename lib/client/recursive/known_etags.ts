/**
 * The ETags of mirrored files whose server tells no times: with nothing else could it be asked whether they changed.
 * They lie in `.ferry/mirror.json` of the mirrored folder, which is neither served nor synced, and which is only there
 * when it is needed.
 */
import { FerryError, quote, writeError } from "../../core/errors.ts";
import { pathProblem, RESERVED_NAME } from "../../core/paths.ts";

/** An ETag, and the file that it belongs to, as long as that is as it was. */
interface Known {
  etag: string;
  size: number;
  mtime: number;
}

/** What an older run may have left. */
const MAX_BYTES = 64 * 1024 * 1024;

/** RFC 9110 section 8.8.3; what is longer, or holds what a header cannot, is not kept. */
const ETAG = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]{0,1000}"$/;

export class KnownEtags {
  readonly #folder: string;
  readonly #known: Map<string, Known>;
  #changed = false;

  /** Those of the mirror in the folder `root`; none where nothing, or nothing that can be read, lies there. */
  constructor(readonly root: string) {
    this.#folder = `${root}/${RESERVED_NAME}`;
    this.#known = readFile(`${this.#folder}/mirror.json`);
  }

  /** That of the file `path`, while its size and mtime are those that it had. */
  of(path: string, here: { size: number; mtime: number }): string | null {
    const known = this.#known.get(path);
    return known !== undefined && known.size === here.size && known.mtime === here.mtime ? known.etag : null;
  }

  /** The file `path` has just been written; null where its server gave no ETag for it, or times, which serve better. */
  set(path: string, etag: string | null): void {
    const had = this.#known.delete(path);
    this.#changed ||= had;
    if (etag === null || !ETAG.test(etag)) return;
    let info: Deno.FileInfo;
    try {
      info = Deno.lstatSync(`${this.root}/${path}`);
    } catch {
      // Somebody has taken it away since.
      return;
    }
    this.#known.set(path, { etag, size: info.size, mtime: info.mtime?.getTime() ?? 0 });
    this.#changed = true;
  }

  /** Writes what has changed. Throws `write_failed`. */
  save(): void {
    if (!this.#changed) return;
    this.#changed = false;
    const path = `${this.#folder}/mirror.json`;
    try {
      Deno.mkdirSync(this.#folder, { recursive: true });
      if (Deno.lstatSync(this.#folder).isSymlink) {
        throw new FerryError("write_failed", `cannot write ${quote(path)}: its folder is a symbolic link`);
      }
      const fresh = `${path}.${crypto.randomUUID().slice(0, 8)}`;
      Deno.writeTextFileSync(fresh, JSON.stringify({ etags: Object.fromEntries(this.#known) }) + "\n", {
        createNew: true,
      });
      Deno.renameSync(fresh, path);
    } catch (error) {
      throw writeError(error, path);
    }
  }
}

function readFile(path: string): Map<string, Known> {
  const known = new Map<string, Known>();
  try {
    const { isFile, size } = Deno.statSync(path);
    // A pipe would be waited for.
    if (!isFile || size > MAX_BYTES) return known;
    for (const [name, value] of Object.entries(JSON.parse(Deno.readTextFileSync(path)).etags)) {
      const { etag, size, mtime } = value as Partial<Known>;
      const good = typeof etag === "string" && ETAG.test(etag) && typeof size === "number" &&
        typeof mtime === "number" && pathProblem(name) === null;
      if (good) known.set(name, { etag, size, mtime });
    }
  } catch {
    // Without them everything is fetched once more.
    known.clear();
  }
  return known;
}
