/** Errors on their way from one thread to another, which keeps nothing of a class. */
import { type ErrorCode, FerryError } from "./errors.ts";

/** An error, with the code of a FerryError. */
export interface PackedError {
  code: ErrorCode | null;
  message: string;
}

/** Whatever was thrown, on its way back. */
export function packError(error: unknown): PackedError {
  const message = error instanceof Error ? error.message : String(error);
  return { code: error instanceof FerryError ? error.code : null, message };
}

/** An error with the code and words of the one that `packError` was given. */
export function unpackError({ code, message }: PackedError): Error {
  return code === null ? new Error(message) : new FerryError(code, message);
}
