/**
 * The last head of each folder on a server, in the state folder of this machine: a server that is asked for it again
 * need only say that it still holds (docs/protocol.md, "head").
 */
import * as crypto from "node:crypto";
import { isObject } from "../../wire/fields.ts";
import { parseHead, type TreeHead } from "../../wire/head.ts";
import { readKept, writeKept } from "../kept.ts";

/** Changes with what stands in the file. */
const FORMAT = 1;

const MAX_BYTES = 4096;

/** The head that is kept of one folder. */
export class KeptHead {
  readonly #path: string;

  /** `home` is the state folder, `label` the URL without credentials. */
  constructor(home: string, label: string) {
    this.#path = `${home}/heads/${crypto.createHash("sha256").update(label).digest("hex").slice(0, 24)}`;
  }

  /** Null for none, and for one that cannot be used: then the server says all of it. */
  recall(): TreeHead | null {
    try {
      const kept = readKept(this.#path, MAX_BYTES);
      return isObject(kept) && kept.format === FORMAT && isObject(kept.head) ? parseHead(kept.head) : null;
    } catch {
      return null;
    }
  }

  remember(head: TreeHead): void {
    writeKept(this.#path, { format: FORMAT, head });
  }
}
