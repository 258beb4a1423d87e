/**
 * Reading the fields of a JSON message. A peer is hostile until proven otherwise: everything that comes in passes through
 * here, and what does not fit throws `protocol`.
 */
import { FerryError } from "../core/errors.ts";
import { checkedPath } from "../core/paths.ts";
import { MAX_MESSAGE_VALUES } from "./limits.ts";
import { shapeProblem } from "./shape.ts";

const strictDecoder = new TextDecoder("utf-8", { fatal: true });

/** The error that a message with this wrong in it is refused with. */
export function malformed(what: string): FerryError {
  return new FerryError("protocol", `malformed message: ${what}`);
}

/** A message, or a part of one, that is an object. */
export type Fields = Record<string, unknown>;

/** Whether a part of a message is an object. */
export function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** JSON text or bytes, with at most `most` values in it, as an object. Throws `protocol`. */
export function parseObject(input: string | Uint8Array, most = MAX_MESSAGE_VALUES): Fields {
  let value: unknown;
  let trouble: string | null = null;
  try {
    const json = typeof input === "string" ? input : strictDecoder.decode(input);
    trouble = shapeProblem(json, most);
    value = trouble === null ? JSON.parse(json) : null;
  } catch {
    throw malformed("not JSON");
  }
  if (trouble !== null) throw malformed(trouble);
  if (!isObject(value)) throw malformed("not an object");
  return value;
}

/** The text `name` of a message, of at most `max` UTF-16 units. Throws `protocol`. */
export function text(fields: Fields, name: string, max = 4096): string {
  const value = fields[name];
  if (typeof value !== "string" || value.length > max) {
    throw malformed(`"${name}" is not a text of at most ${max}`);
  }
  return value;
}

/** The truth value `name` of a message. Throws `protocol`. */
export function flag(fields: Fields, name: string): boolean {
  const value = fields[name];
  if (typeof value !== "boolean") throw malformed(`"${name}" is neither true nor false`);
  return value;
}

/** The whole number `name` of a message, from `min` to `max`. Throws `protocol`. */
export function integer(fields: Fields, name: string, min = 0, max = Number.MAX_SAFE_INTEGER): number {
  const value = fields[name];
  if (!Number.isSafeInteger(value) || (value as number) < min || (value as number) > max) {
    throw malformed(`"${name}" is not a whole number from ${min} to ${max}`);
  }
  return value as number;
}

/** The list `name` of a message, of at most `max` items. Throws `protocol`. */
export function list(fields: Fields, name: string, max: number): unknown[] {
  const value = fields[name];
  if (!Array.isArray(value)) throw malformed(`"${name}" is not a list`);
  if (value.length > max) throw malformed(`"${name}" has more than ${max} items`);
  return value;
}

/** A time in ms that a file system can hold: about 8,900 years either side of 1970. */
export function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && Math.abs(value as number) < 2 ** 48;
}

/** The time `name` of a message, ms. Throws `protocol`. */
export function time(fields: Fields, name: string): number {
  const value = fields[name];
  if (!isTime(value)) throw malformed(`"${name}" is not a time in ms`);
  return value;
}

/** The SHA-256 `name` of a message, 64 lower-case hex digits. Throws `protocol`. */
export function digest(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== "string" || !/^[0-9a-f]{64}$/.test(value)) {
    throw malformed(`"${name}" is not a SHA-256`);
  }
  return value;
}

/** A path below the root of a call. Throws `protocol` for none, `bad_request` for one that leads elsewhere. */
export function pathOf(value: unknown): string {
  if (typeof value !== "string" || value === "") throw malformed("a path is missing");
  return checkedPath(value);
}
