/** What tests of the validators have in common. */
import { assert, assertThrows } from "@std/assert";
import { FerryError } from "../core/errors.ts";

/** Sees that `read` refuses each input with `protocol` or `bad_request` and the words that stand beside it. */
export function refusals<T>(
  read: (input: T) => unknown,
  cases: readonly [label: string, input: T, text: string][],
): void {
  for (const [label, input, text] of cases) {
    const error = assertThrows(() => read(input), FerryError);
    assert(["protocol", "bad_request"].includes(error.code), `${label}: ${error.code}`);
    assert(error.message.includes(text), `${label}: ${error.message}`);
  }
}
