/** TCP connections to hosts that may have several addresses (RFC 8305). */
import { OLD_RUNTIME } from "../../core/runtime.ts";
import { FetchError } from "../fetch_error.ts";
import { addressBytes } from "../../http/address.ts";
import { close } from "./connection.ts";
import type { End } from "./end.ts";

/** The version of IP. */
export type Family = 4 | 6;

/** When an address has not answered for so long, the next one is tried beside it, in milliseconds. */
const STAGGER = 250;

/**
 * Connects to `hostname`, a name or an address without brackets. Deno 2.9 tries all addresses of a name by itself, 2.4
 * only the first one; so when that one fails or is slow, the others are looked up and tried here.
 */
export async function connectName(
  hostname: string,
  port: number,
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  const first = Deno.connect({ hostname, port, signal });
  if (!OLD_RUNTIME || addressBytes(hostname) !== null) return await first;
  const early = await within(STAGGER, first.then(() => "settled", () => "settled"));
  try {
    if (early === "settled") return await first;
  } catch (error) {
    // A name that is not found has no other addresses.
    if (/lookup address/.test(String(error))) throw error;
  }
  const others = await otherAddresses(hostname);
  return await firstOf([first], others, { port, signal });
}

/** Connects to the first of `addresses` that takes it. Throws what the last one failed with. */
export function connectAny(
  addresses: readonly string[],
  port: number,
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  return firstOf([], addresses, { port, signal });
}

/** Connects to an address of `family`. Throws as `Deno.connect` does when there is none. */
export async function connectFamily(
  { hostname, port }: End,
  family: Family,
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  if (addressBytes(hostname) === null) {
    const { lookUp } = await import("./look_up.ts");
    return await connectAny(await lookUp(hostname, family), port, signal);
  }
  const isWanted = hostname.includes(":") === (family === 6);
  if (!isWanted) {
    const message =
      `no connection to ${hostname}: it is no IPv${family} address, and --ipv${family} takes no other`;
    throw new FetchError("no_connection", message, { transient: false, sent: false });
  }
  return await connectAny([hostname], port, signal);
}

/** The winner of the tries under way and those that follow, one each time another fails or is slow; the losers are closed. */
async function firstOf(
  running: Promise<Deno.TcpConn>[],
  addresses: readonly string[],
  { port, signal }: { port: number; signal: AbortSignal },
): Promise<Deno.TcpConn> {
  const losers = new AbortController();
  const either = AbortSignal.any([signal, losers.signal]);
  const tries = [...running];
  const waiting = [...addresses];
  let failure: unknown;
  try {
    for (;;) {
      if (waiting.length > 0) tries.push(Deno.connect({ hostname: waiting.shift()!, port, signal: either }));
      if (tries.length === 0) throw failure;
      const next = await within(
        waiting.length > 0 ? STAGGER : undefined,
        Promise.race(tries.map((one) => one.then((conn) => ({ one, conn }), (error) => ({ one, error })))),
      );
      if (next === "late") continue;
      tries.splice(tries.indexOf(next.one), 1);
      if ("conn" in next) return next.conn;
      failure = next.error;
      if (signal.aborted) throw signal.reason;
    }
  } finally {
    losers.abort();
    for (const one of tries) one.then(close, () => {});
  }
}

/** All addresses of `hostname` but the first, in the system's order; none when they cannot be had. */
async function otherAddresses(hostname: string): Promise<string[]> {
  const { lookUp } = await import("./look_up.ts");
  return (await lookUp(hostname).catch(() => [])).slice(1);
}

/** What `promise` gives, or `late` after `ms`. */
async function within<T>(ms: number | undefined, promise: Promise<T>): Promise<T | "late"> {
  if (ms === undefined) return await promise;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<"late">((resolve) => timer = setTimeout(() => resolve("late"), ms));
  return await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
