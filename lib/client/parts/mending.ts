/** Makes a file right that is not what the server says: only what is damaged of it is fetched. */
import { assertNever, FerryError, quote } from "../../core/errors.ts";
import type { PartFile } from "./part_file.ts";
import { lstatOrNull } from "./part_lock.ts";
import type { Hop } from "../redirect.ts";
import type { Position } from "../transfer/resume.ts";
import type { TransferRequests } from "../transfer/transfer_requests.ts";
import type { Verification } from "../transfer/verification.ts";

export interface MendTools {
  requests: TransferRequests;
  verification: Verification;
  signal: AbortSignal;
  /** Told of the bytes that come anew. */
  received(bytes: number): void;
  /** Whether what ended in `error` may come about a moment later. */
  mayPass(error: unknown): boolean;
  notice(text: string): void;
}

/**
 * Fetches anew what of `file`, all of which is there, is damaged; its bytes have then gone through the verification. Gives
 * how many bytes came, or null where it cannot be done so.
 */
export async function mend(
  file: Pick<PartFile, "path" | "readAt" | "writeAt" | "readBack">,
  at: { position: Position; hop: Hop },
  { requests, verification, signal, received, mayPass, notice }: MendTools,
): Promise<number | null> {
  const { start, end, size, validator } = at.position;
  if (validator === undefined || size === undefined || start !== 0 || end !== size) return null;
  const { repair } = await import("./repair.ts");
  let repaired: number | null;
  try {
    const get = (url: URL, headers: Record<string, string>) =>
      requests.aside({ ...at.hop, url }, headers, signal);
    const { pace } = requests.tools;
    repaired = await repair(at.hop.url, { file, size, validator }, { get, received, pace, signal });
  } catch (error) {
    // Another way to get it is left; but what is broken for the moment may be tried again.
    if (signal.aborted || !(error instanceof FerryError) || mayPass(error)) throw error;
    return null;
  }
  if (repaired === null) return null;
  await verification.again((take) => file.readBack(take, signal));
  notice(`${quote(file.path)}: repaired, ${repaired} of ${size} bytes were damaged and fetched anew`);
  return repaired;
}

/**
 * Whether what has the name of `file` already is the resource at `url`, or has been made so: how many bytes that took.
 * Null when it is not.
 */
export async function mendExisting(
  file: PartFile,
  url: URL,
  tools: MendTools,
): Promise<{ repaired?: number } | null> {
  const { requests, verification, signal } = tools;
  if (!file.isNamed && !await name(file, requests, signal)) return null;
  // A try before may have left off in the midst of it.
  file.disown();
  const { checkExisting } = await import("./existing_file.ts");
  let hop: Hop | undefined;
  const ask = async (headers: Record<string, string>) => {
    const answer = await requests.main(signal, headers);
    hop = answer.hop;
    return answer;
  };
  const existing = await checkExisting(file.path, { ask, verification, signal });
  switch (existing.kind) {
    case "other":
      return null;
    case "whole":
      return {};
    case "damaged": {
      const { size, validator } = existing;
      if (validator === undefined || !file.mayMend) return null;
      const position = { start: 0, have: size, end: size, size, validator };
      await file.adopt(size, url, signal);
      const repaired = await mend(file, { position, hop: hop! }, tools);
      if (repaired !== null && await verification.contradiction() === null) {
        file.finish();
        return { repaired };
      }
      file.disown();
      return null;
    }
    default:
      return assertNever(existing);
  }
}

/** Asks the server what it calls the file; false when there is no file of that name. */
async function name(file: PartFile, requests: TransferRequests, signal: AbortSignal): Promise<boolean> {
  const { response, hop } = await requests.main(signal, { range: "bytes=0-0" });
  await response.body?.cancel();
  if (response.status >= 400) return false;
  file.answered({ headers: response.headers, url: hop.url });
  // A server does not get to know of what a link leads to, not even its size.
  return lstatOrNull(file.path)?.isFile === true;
}
