import { closestString } from "@std/text/closest-string";
import { FerryError, quote } from "../lib/core/errors.ts";

/** The one of `entries` that is called `name`, after the words `before`. Throws `usage` that names the nearest one. */
export function findCommand<E extends { name: string }>(entries: readonly E[], name: string, before = ""): E {
  const entry = entries.find((entry) => entry.name === name);
  if (entry !== undefined) return entry;
  const nearest = before + closestString(name, entries.map((entry) => entry.name));
  throw new FerryError(
    "usage",
    `unknown command ${quote(before + name)}; did you mean ${nearest}? See ferry ${before}--help`,
  );
}
