/** What a server was told about TLS, and what that comes to whenever it is read. */
import { X509Certificate } from "node:crypto";
import { assertNever, FerryError } from "../../core/errors.ts";
import type { Place } from "../listen.ts";
import { demandPrivate } from "../private_file.ts";
import { type KeyPair, type KeyPairFiles, parseTime, readKeyPair } from "../../client/key_pair.ts";
import { lastingKeyPair } from "./lasting.ts";
import { machineNames, thisMachine } from "./names.ts";
import { serverTold } from "./told.ts";

/** Where certificate and key come from. */
export type TlsChoice =
  | { kind: "none" }
  | { kind: "files"; files: KeyPairFiles }
  /** A certificate of the server's own, kept in the state folder `dir()`, for `host` among other names. */
  | { kind: "self_signed"; dir: () => string; host: string };

/** What it comes to. */
export interface Tls {
  pair: KeyPair;
  /** When the certificate ends, ms since 1970. */
  ends: number;
  /** What clients pin a certificate of the server's own by, lower-case hex; null where they need not. */
  pin: string | null;
}

/** What the flags say, or their like in a configuration. Throws `usage`. */
export function tlsChoice(
  given: { cert?: string; key?: string; selfSigned: boolean },
  { place, dir }: { place: Place; dir: () => string },
): TlsChoice {
  const { cert, key, selfSigned } = given;
  if (cert === undefined && key === undefined && !selfSigned) return { kind: "none" };
  const wrong = (why: string) => new FerryError("usage", why);
  if (selfSigned && (cert !== undefined || key !== undefined)) {
    throw wrong(
      "--tls-self-signed makes a certificate and a key; it cannot go with --tls-cert and --tls-key",
    );
  }
  if (place.kind === "unix") throw wrong("there is no TLS on a --unix socket");
  if (selfSigned) return { kind: "self_signed", dir, host: place.host };
  if (cert === undefined) throw wrong("--tls-key needs --tls-cert, the certificate of that key");
  if (key === undefined) throw wrong("--tls-cert needs --tls-key, the key of that certificate");
  return { kind: "files", files: { cert, key } };
}

/**
 * Throws `usage` when the key lies in one of the folders `roots` (real paths) that are served: whoever may read them
 * could take it. What is in `.ferry` of a folder is never served.
 */
export function demandPrivateKey(choice: TlsChoice, roots: readonly string[]): void {
  if (choice.kind === "none") return;
  const [flag, path] = choice.kind === "files"
    ? ["--tls-key", choice.files.key]
    : ["--tls-self-signed", `${choice.dir()}/tls`];
  const hint = choice.kind === "files" ? "keep it elsewhere" : "name another --state-dir";
  demandPrivate({ flag, what: "the key", path, hint }, roots);
}

/** The files that `choice` may change with. */
export function tlsFiles(choice: TlsChoice): string[] {
  return choice.kind === "files" ? [choice.files.cert, choice.files.key] : [];
}

/** Reads, or makes, what `choice` names; `warn` is told what is unwise. Throws `usage`. */
export async function readTls(choice: TlsChoice, warn: (line: string) => void): Promise<Tls | null> {
  switch (choice.kind) {
    case "none":
      return null;
    case "files": {
      const pair = readKeyPair(choice.files, serverTold(warn));
      return { pair, ends: endOf(pair), pin: null };
    }
    case "self_signed": {
      const names = () => machineNames(choice.host, thisMachine());
      const { pin, ...pair } = await lastingKeyPair(choice.dir(), { names, warn });
      return { pair, ends: endOf(pair), pin };
    }
    default:
      return assertNever(choice);
  }
}

/** The line that tells a person how to trust the server at `url` with a certificate of its own. */
export function pairingLine(url: string, pin: string): string {
  return `pair with: ferry request --pin sha256:${pin} ${reachable(url)}`;
}

/** `url` with an address that other machines know where it has one that means any. */
function reachable(url: string): string {
  const parsed = new URL(url);
  if (parsed.hostname !== "0.0.0.0" && parsed.hostname !== "[::]") return url;
  const others = thisMachine().addresses.filter((address) => !/^(127\.|::1$|fe80:)/.test(address));
  const address = others.find((each) => !each.includes(":")) ?? others[0] ?? "127.0.0.1";
  parsed.hostname = address.includes(":") ? `[${address}]` : address;
  return parsed.href;
}

function endOf({ cert }: Pick<KeyPair, "cert">): number {
  return parseTime(new X509Certificate(cert).validTo);
}
