/**
 * What became of the tokens of a key: uses and bytes that were taken, and what was revoked. One SQLite file in the state
 * folder, which all workers of a server, and the commands beside it, look at for each request: what one of them writes
 * holds for the others at once, and is still there after a crash.
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { FerryError, osReason, quote } from "../core/errors.ts";
import { isThere } from "../store/quiet.ts";
import type { Grant } from "./grant.ts";
import { keyId } from "./token_key.ts";

const SCHEMA = `
CREATE TABLE IF NOT EXISTS token (
  id TEXT PRIMARY KEY, expires INTEGER NOT NULL,
  uses INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0, revoked INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
PRAGMA user_version = 1;
`;

/** Another process may be writing. */
const BUSY_MS = 5000;

/** What has ended is forgotten so long after, when the clock of no machine takes it for going on. */
const KEPT_MS = 24 * 60 * 60 * 1000;

/** A part of a grant: what names it, and how long it has to be remembered. */
type Named = Pick<Grant, "id" | "expires">;

/** What is known of one token. */
export interface TokenRecord {
  uses: number;
  bytes: number;
  /** In ms since 1970; null when it was not. */
  revoked: number | null;
}

/** Where the ledgers are in the state folder `home`. */
export function ledgerFolder(home: string): string {
  return `${home}/tokens`;
}

/** The ledger of a key, open. */
export class TokenLedger implements Disposable {
  readonly #db: DatabaseSync;
  readonly #find: StatementSync;
  readonly #add: StatementSync;
  readonly #takeUse: StatementSync;
  readonly #giveUse: StatementSync;
  readonly #takeBytes: StatementSync;
  readonly #giveBytes: StatementSync;
  readonly #revoke: StatementSync;

  /** Opens the ledger of `key` in the state folder `home`. Throws `usage`, and for a missing one unless it may be made. */
  constructor(home: string, key: Uint8Array, options: { make: boolean; now?: () => number }) {
    const dir = ledgerFolder(home);
    const path = `${dir}/${keyId(key)}.db`;
    if (!options.make && !isThere(path)) {
      throw new FerryError(
        "usage",
        `no server with this key has its state in ${quote(home)}; give its --state-dir, and run as its user`,
      );
    }
    try {
      Deno.mkdirSync(dir, { recursive: true, mode: 0o700 });
      this.#db = new DatabaseSync(path);
      this.#db.exec(
        `PRAGMA busy_timeout = ${BUSY_MS}; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; ${SCHEMA}`,
      );
      Deno.chmodSync(path, 0o600);
      this.#find = this.#db.prepare("SELECT uses, bytes, revoked FROM token WHERE id = ?");
      this.#add = this.#db.prepare("INSERT INTO token (id, expires) VALUES (?, ?) ON CONFLICT DO NOTHING");
      this.#takeUse = this.#db.prepare("UPDATE token SET uses = uses + 1 WHERE id = ? AND uses < ?");
      this.#giveUse = this.#db.prepare("UPDATE token SET uses = uses - 1 WHERE id = ? AND uses > 0");
      this.#takeBytes = this.#db.prepare(
        "UPDATE token SET bytes = bytes + ? WHERE id = ? AND bytes + ? <= ?",
      );
      this.#giveBytes = this.#db.prepare("UPDATE token SET bytes = max(bytes - ?, 0) WHERE id = ?");
      this.#revoke = this.#db.prepare(
        "INSERT INTO token (id, expires, revoked) VALUES (?, ?, ?) " +
          "ON CONFLICT (id) DO UPDATE SET revoked = excluded.revoked, expires = max(expires, excluded.expires)",
      );
      this.#db.prepare("DELETE FROM token WHERE expires < ?").run((options.now ?? Date.now)() - KEPT_MS);
    } catch (error) {
      throw new FerryError("usage", `cannot keep account of tokens in ${quote(dir)}: ${osReason(error)}`, {
        cause: error,
      });
    }
  }

  /** What is known of the token `id`. */
  find(id: string): TokenRecord {
    const row = this.#find.get(id);
    if (row === undefined) return { uses: 0, bytes: 0, revoked: null };
    const revoked = Number(row.revoked);
    return { uses: Number(row.uses), bytes: Number(row.bytes), revoked: revoked === 0 ? null : revoked };
  }

  /** Takes one of the uses that `grant` gives; false when none is left. It is on the disk before this returns. */
  takeUse(grant: Named & { uses: number }): boolean {
    this.#db.exec("PRAGMA synchronous = FULL");
    try {
      this.#add.run(grant.id, grant.expires);
      return this.#takeUse.run(grant.id, grant.uses).changes > 0;
    } finally {
      this.#db.exec("PRAGMA synchronous = NORMAL");
    }
  }

  /** Gives back a use that gave its bearer nothing. */
  giveUse(id: string): void {
    this.#giveUse.run(id);
  }

  /** Takes `count` of the bytes that `grant` gives; false, and nothing taken, when there are not so many left. */
  takeBytes(grant: Named & { bytes: number }, count: number): boolean {
    this.#add.run(grant.id, grant.expires);
    return this.#takeBytes.run(count, grant.id, count, grant.bytes).changes > 0;
  }

  /** Gives back bytes that did not pass. */
  giveBytes(id: string, count: number): void {
    if (count > 0) this.#giveBytes.run(count, id);
  }

  /** From now on the token is refused. It is on the disk before this returns. */
  revoke({ id, expires }: Named, now = Date.now()): void {
    this.#db.exec("PRAGMA synchronous = FULL");
    this.#revoke.run(id, expires, now);
    this.#db.exec("PRAGMA synchronous = NORMAL");
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}
