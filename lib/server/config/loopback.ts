/** Whether only this machine can reach a server. */
import { quote } from "../../core/errors.ts";
import type { Place } from "../listen.ts";

/** Why nobody but users may be let change files at `place`; null where only this machine can come. */
export function writableRefusal(place: Place): string | null {
  if (place.kind === "unix" || isLoopback(place.host)) return null;
  return `lets anybody change files and is refused on ${quote(place.host)}`;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}
