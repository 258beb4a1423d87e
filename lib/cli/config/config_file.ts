/** A configuration file that was read, with all that is wrong in it. */
import { FerryError, osReason, quote } from "../../core/errors.ts";
import { checkDocument } from "./check.ts";
import {
  type Document,
  formatMistakes,
  isGiven,
  type Mistake,
  parseDocument,
  placeOf,
  type Way,
} from "./document.ts";
import type { Shape } from "./shape.ts";

/** More mistakes than this are counted, not shown. */
const MAX_SHOWN = 100;

/** A file whose value is a `V` where nothing is wrong with it. */
export class ConfigFile<V extends object> {
  /** What it says, without what the mistakes are about. */
  readonly value: V;
  readonly path: string;
  readonly #document: Document;
  readonly #mistakes: Mistake[];

  /** Reads `text`, which stands at `path`; paths of the file system in it start from its folder. */
  constructor(path: string, text: string, shape: Shape) {
    this.path = path;
    const folder = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) || "/" : ".";
    this.#document = parseDocument(text);
    const { value, mistakes } = checkDocument(this.#document, shape, folder);
    this.value = (value ?? {}) as V;
    this.#mistakes = mistakes;
  }

  /** Whether something stands at `way`, right or wrong. */
  says(way: Way): boolean {
    return isGiven(this.#document, way);
  }

  /** Adds a mistake about what stands at `way`. */
  say(way: Way, message: string): void {
    this.#mistakes.push({ ...placeOf(this.#document, way), message });
  }

  /** Throws what `demandRight` does when `error` is about a flag that the file says: one not in `given`. */
  blame(error: unknown, given: ReadonlySet<string>): void {
    const [, name, why] = error instanceof FerryError
      ? /^--([a-z-]+):? ([^]*)$/.exec(error.message) ?? []
      : [];
    if (name !== undefined && Object.hasOwn(this.value, name) && !given.has(name)) {
      this.say([name], `"${name}": ${why}`);
    }
    this.demandRight();
  }

  /** Throws `usage` that names all mistakes there are, each on a line of its own. */
  demandRight(): void {
    const count = this.#mistakes.length;
    if (count === 0) return;
    const lines = formatMistakes(this.path, this.#mistakes).slice(0, MAX_SHOWN);
    const head = `${this.path} has ${count} ${count === 1 ? "mistake" : "mistakes"}`;
    throw new FerryError("usage", [head, ...lines].join("\n"));
  }
}

/** Whether somebody else on this machine may read the file. */
export function isReadByOthers(path: string): boolean {
  return ((Deno.statSync(path).mode ?? 0) & 0o044) !== 0;
}

/** The text of the file that `--config` names. Throws `usage`. */
export function readConfigText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    throw new FerryError("usage", `--config ${quote(path)}: cannot be read: ${osReason(error)}`);
  }
}
