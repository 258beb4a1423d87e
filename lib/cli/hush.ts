/** What users need not be told of the runtime. */
import process from "node:process";
import { OLD_RUNTIME } from "../core/runtime.ts";

/** Keeps the older runtime from calling its own HMAC deprecated; once in each thread that may make one. */
export function hushRuntime(): void {
  if (OLD_RUNTIME) (process as { noDeprecation?: boolean }).noDeprecation = true;
}
