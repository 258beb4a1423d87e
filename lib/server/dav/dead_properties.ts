/** Dead properties: what clients wrote to a resource, kept as it came (RFC 4918 section 4). */
import type { StatementSync } from "node:sqlite";
import { FerryError } from "../../core/errors.ts";
import { baseName, childPath, parentPath } from "../../core/paths.ts";
import type { PropertyChange } from "./messages.ts";
import type { Database } from "./state.ts";
import type { XmlName } from "./xml_read.ts";

/** A property; `xml` is the element with its value, which can stand anywhere. */
export interface DeadProperty extends XmlName {
  xml: string;
}

/** A row is found by its folder, so that those of all entries of a folder are read at once. */
export const DEAD_SCHEMA = `
CREATE TABLE dead (
  dir TEXT NOT NULL, name TEXT NOT NULL, ns TEXT NOT NULL, local TEXT NOT NULL, xml TEXT NOT NULL,
  PRIMARY KEY (dir, name, ns, local)
) WITHOUT ROWID;`;

/** Of one resource. */
const MAX_PROPERTIES = 1000;
const MAX_LENGTH = 512 * 1024;

/** Characters of a folder's entries that a PROPFIND holds in memory. */
const AT_ONCE = 4 * 1024 * 1024;

const NONE: readonly DeadProperty[] = [];

/** Takes the path three times: Deno before 2.9 knows no numbered parameters. "0" is the character behind "/". */
const BELOW = "(dir = ? OR (dir >= ? || '/' AND dir < ? || '0'))";

/** The dead properties of a share. Paths are real ones below its root, not `""` but for reading and setting. */
export class DeadProperties {
  readonly #db: Database;
  readonly #of: StatementSync;
  readonly #in: StatementSync;
  readonly #sizeIn: StatementSync;

  constructor(db: Database) {
    this.#db = db;
    this.#of = db.prepare("SELECT ns, local, xml FROM dead WHERE dir = ? AND name = ?");
    this.#in = db.prepare("SELECT name, ns, local, xml FROM dead WHERE dir = ? AND name <> ''");
    this.#sizeIn = db.prepare("SELECT total(length(xml) + 100) AS length FROM dead WHERE dir = ?");
  }

  /** The properties of one resource. */
  of(path: string): DeadProperty[] {
    return this.#of.all(parentPath(path), baseName(path)).map(propertyOf);
  }

  /** Finds those of the entries of a folder by their names: read at once where they are few, else when asked for. */
  in(folder: string): (name: string) => readonly DeadProperty[] {
    if (Number(this.#sizeIn.get(folder)?.length) > AT_ONCE) return (name) => this.of(childPath(folder, name));
    const found = new Map<string, DeadProperty[]>();
    // Not iterate(): in Deno before 2.9 it works for the first time only.
    for (const row of this.#in.all(folder)) {
      const name = String(row.name);
      const list = found.get(name);
      if (list === undefined) found.set(name, [propertyOf(row)]);
      else list.push(propertyOf(row));
    }
    return (name) => found.get(name) ?? NONE;
  }

  /** Does all of `changes`, in their order, or nothing. Throws `disk_full` when there would be too many. */
  change(path: string, changes: readonly PropertyChange[]): void {
    const [dir, name] = [parentPath(path), baseName(path)];
    const set = this.#db.prepare("INSERT OR REPLACE INTO dead VALUES (?, ?, ?, ?, ?)");
    const remove = this.#db.prepare("DELETE FROM dead WHERE dir = ? AND name = ? AND ns = ? AND local = ?");
    const size = this.#db.prepare(
      "SELECT count(*) AS count, total(length(xml)) AS length FROM dead WHERE dir = ? AND name = ?",
    );
    this.#db.transact(() => {
      for (const change of changes) {
        const { ns, local } = change.name;
        if (change.kind === "set") set.run(dir, name, ns, local, change.xml);
        else remove.run(dir, name, ns, local);
      }
      const now = size.get(dir, name);
      if (Number(now?.count) > MAX_PROPERTIES || Number(now?.length) > MAX_LENGTH) {
        throw new FerryError("disk_full", "the resource has too many properties");
      }
    });
  }

  /** Forgets those of `path` and of all below it. */
  remove(path: string): void {
    this.#db.prepare("DELETE FROM dead WHERE dir = ? AND name = ?").run(parentPath(path), baseName(path));
    this.#db.prepare(`DELETE FROM dead WHERE ${BELOW}`).run(path, path, path);
  }

  /** Those of `from`, and of all below it, belong to `to`; what belonged there is gone. */
  move(from: string, to: string): void {
    this.copy(from, to, true);
    this.remove(from);
  }

  /** Those of `from` belong to `to` too, with `deep` also those of all below it; what belonged there is gone. */
  copy(from: string, to: string, deep: boolean): void {
    this.remove(to);
    this.#db.prepare("INSERT INTO dead SELECT ?, ?, ns, local, xml FROM dead WHERE dir = ? AND name = ?")
      .run(parentPath(to), baseName(to), parentPath(from), baseName(from));
    if (!deep) return;
    this.#db.prepare(
      "INSERT INTO dead SELECT ? || substr(dir, length(?) + 1), name, ns, local, xml " +
        `FROM dead WHERE ${BELOW}`,
    ).run(to, from, from, from, from);
  }

  /** Forgets those of what went away behind the server's back. */
  prune(exists: (path: string) => boolean): void {
    for (const row of this.#db.prepare("SELECT DISTINCT dir, name FROM dead").all()) {
      const [dir, name] = [String(row.dir), String(row.name)];
      if (name === "" || exists(childPath(dir, name))) continue;
      this.#db.prepare("DELETE FROM dead WHERE dir = ? AND name = ?").run(dir, name);
    }
  }
}

function propertyOf(row: Record<string, unknown>): DeadProperty {
  return { ns: String(row.ns), local: String(row.local), xml: String(row.xml) };
}
