/** Guards: reasons to stop a run before it changes anything. Pure; `--force` overrides them for one run. */
import { FerryError } from "../core/errors.ts";
import type { PlanTotals } from "./plan.ts";

/** The most deletes a run may do: a count, or a share of what the destination holds. */
export type DeleteLimit = { count: number } | { percent: number };

/**
 * Reads `--max-delete`: `100` or `50%`. Null when it is neither.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(parseDeleteLimit("50%"), { percent: 50 });
 * ```
 */
export function parseDeleteLimit(text: string): DeleteLimit | null {
  const match = /^(\d{1,15})(%?)$/.exec(text);
  if (!match) return null;
  const number = Number(match[1]);
  if (match[2] === "") return { count: number };
  return number <= 100 ? { percent: number } : null;
}

/** Throws `guard` when the plan deletes more than `limit` allows. */
export function checkDeletes(totals: PlanTotals, limit: DeleteLimit, label: string): void {
  const most = "count" in limit ? limit.count : Math.floor(totals.destination * limit.percent / 100);
  if (totals.delete <= most) return;
  const shown = "count" in limit ? `${limit.count}` : `${limit.percent}%`;
  throw new FerryError(
    "guard",
    `${totals.delete} of the ${totals.destination} entries of ${label} would be deleted, more than --max-delete ` +
      `${shown} allows; nothing was changed. See them with --dry-run, let them go with --force`,
  );
}
