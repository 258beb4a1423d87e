/** Sizes and durations as people write them on a command line, and as a report shows them. */
import { format } from "@std/fmt/bytes";

const SIZE_UNITS: Record<string, number> = {
  "": 1,
  b: 1,
  k: 1024,
  kib: 1024,
  kb: 1000,
  m: 1024 ** 2,
  mib: 1024 ** 2,
  mb: 1000 ** 2,
  g: 1024 ** 3,
  gib: 1024 ** 3,
  gb: 1000 ** 3,
  t: 1024 ** 4,
  tib: 1024 ** 4,
  tb: 1000 ** 4,
};

/**
 * Bytes from `4096`, `64K`, `1.5M`, `2GiB` or `10MB`; null when it is none of these.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(parseSize("1.5K"), 1536);
 * ```
 */
export function parseSize(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  const unit = match && SIZE_UNITS[match[2].toLowerCase()];
  if (!match || unit === undefined || unit === null) return null;
  const bytes = Math.round(Number(match[1]) * unit);
  return Number.isSafeInteger(bytes) ? bytes : null;
}

const DURATION_UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds from `500ms`, `30s`, `1.5m`, `2h`, `1d`, or seconds without a unit; null when it is none of these. */
export function parseDuration(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text.trim());
  if (!match) return null;
  const ms = Math.round(Number(match[1]) * DURATION_UNITS[match[2] ?? "s"]);
  return Number.isSafeInteger(ms) ? ms : null;
}

/** The hex digits of `sha256:HEX`, in lower case; null when it is not that. */
export function parseSha256(text: string): string | null {
  return /^sha256:([0-9a-f]{64})$/i.exec(text)?.[1].toLowerCase() ?? null;
}

/** `1536` as `1.54 kB`. */
export function formatBytes(bytes: number): string {
  return format(bytes, { maximumFractionDigits: bytes < 1000 ? 0 : 1 });
}

/** Milliseconds as `85 ms`, `2.15 s` or `3 min 20 s`. */
export function formatMs(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(2)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** The moment in local time with its distance from UTC, as RFC 3339 has it: `2026-11-22T11:00:00+01:00`. */
export function formatTime(date: Date): string {
  const offset = -date.getTimezoneOffset();
  const two = (n: number) => String(Math.trunc(Math.abs(n))).padStart(2, "0");
  const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, 19);
  return `${local}${offset < 0 ? "-" : "+"}${two(offset / 60)}:${two(offset % 60)}`;
}

/** A size as the flag that sets it would be written: `64K`, `10M`, else plain bytes. */
export function formatSizeFlag(bytes: number): string {
  for (const [unit, factor] of [["G", 1024 ** 3], ["M", 1024 ** 2], ["K", 1024]] as const) {
    if (bytes >= factor && bytes % factor === 0) return bytes / factor + unit;
  }
  return String(bytes);
}

/** A duration as the flag that sets it would be written: `30s`, `5m`, `500ms`. */
export function formatDurationFlag(ms: number): string {
  for (const [unit, factor] of [["h", 3_600_000], ["m", 60_000], ["s", 1000]] as const) {
    if (ms >= factor && ms % factor === 0) return ms / factor + unit;
  }
  return ms + "ms";
}
