/** Which flags of `ferry request` go together. Nothing has been asked of a server yet, and nothing written. */
import { parseSha256 } from "../lib/cli/units.ts";
import { isPiped } from "../lib/client/body_source.ts";
import type { Sending } from "../lib/client/request_input.ts";
import { parseTarget } from "../lib/client/target.ts";
import { FerryError, quote } from "../lib/core/errors.ts";
import type { RequestFlags } from "./request_flags.ts";

/** What a call asks for, beside its flags. */
export interface Asked {
  sending: Sending;
  /** URLs of the command line. */
  count: number;
  several: boolean;
}

/** Throws `usage` for flags that cannot go together, or not with what is asked for. */
export async function checkFlags(flags: RequestFlags, { sending, count, several }: Asked): Promise<void> {
  await checkMirror(flags, sending, count);
  if (isPiped(sending.body) && several) {
    const many = flags.input === undefined ? `${count}` : "those of --input";
    throw new FerryError("usage", `what comes through a pipe can be sent to one URL only, not to ${many}`);
  }
  if (flags.continue) checkContinue(sending);
  checkSegments(flags, sending.method, several);
  if (flags.continue && (flags.range !== undefined || sending.headers.has("range"))) {
    const other = flags.range === undefined ? "--header Range" : "--range";
    throw new FerryError("usage", `--continue and ${other} cannot go together`);
  }
  if (sending.method === "HEAD") {
    const flag = flags.output.length > 0 ? "--output" : flags.checksum !== undefined ? "--checksum" : null;
    if (flag !== null) throw new FerryError("usage", `${flag} is for a body, and --head brings none`);
  }
  if (flags["limit-rate"] === 0) throw new FerryError("usage", "--limit-rate 0 would never end");
}

/** Throws `usage` for flags that go with `--recursive` alone, or cannot go with it. */
async function checkMirror(flags: RequestFlags, { method }: Sending, count: number): Promise<void> {
  if (flags.recursive) {
    const { checkRecursive } = await import("./request_recursive.ts");
    return checkRecursive(flags, method, count);
  }
  const given = flags.depth !== undefined
    ? "--depth"
    : flags.include.length > 0
    ? "--include"
    : flags.exclude.length > 0
    ? "--exclude"
    : null;
  if (given !== null) throw new FerryError("usage", `${given} goes with --recursive`);
}

/** Throws `usage` for what cannot be gone on with. */
function checkContinue({ method, body, anyWay }: Sending): void {
  if (method === "GET" || (anyWay && body.kind === "file")) return;
  const why = !anyWay
    ? `it goes with GET and with --upload FILE, not with ${method}`
    : "what comes through a pipe is gone when it was sent";
  throw new FerryError("usage", `--continue: ${why}`);
}

/** Throws `usage` for what cannot be done in segments. */
function checkSegments(flags: RequestFlags, method: string, several: boolean): void {
  const flag = flags.mirror.length > 0 ? "--mirror" : flags.segments > 1 ? "--segments" : null;
  if (flag === null) return;
  if (method !== "GET") throw new FerryError("usage", `${flag} goes with GET, not with ${method}`);
  for (const other of ["range", "show-headers"] as const) {
    if (flags[other]) throw new FerryError("usage", `${flag} and --${other} cannot go together`);
  }
  if (flags.mirror.length > 0 && several) {
    throw new FerryError("usage", "--mirror is of one URL, not of several");
  }
  if (flags.mirror.length > 64) throw new FerryError("usage", "--mirror: 64 mirrors are enough");
  for (const mirror of flags.mirror) parseTarget(mirror);
}

/** The hex of `--checksum`. Throws `usage`. */
export function parseChecksum(text: string, several: boolean): string {
  const hex = parseSha256(text);
  if (hex === null) {
    throw new FerryError("usage", `--checksum ${quote(text)}: must be sha256: and 64 hexadecimal digits`);
  }
  if (several) throw new FerryError("usage", "--checksum is of one URL, not of several");
  return hex;
}
