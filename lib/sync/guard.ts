/** Guards: reasons to stop a run before it changes anything. Pure; `--force` overrides them for one run. */
import { FerryError, quote } from "../core/errors.ts";
import { isWithin } from "../core/paths.ts";
import type { Store } from "../store/store.ts";
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

/** The error of a source that is not there. */
export function missingSource(label: string): FerryError {
  return new FerryError(
    "guard",
    `${label}: there is no such folder; nothing was changed. With --force it counts as an empty one`,
  );
}

/** Throws `guard` when a place has lost the mark of a replica: its disk may not be there. */
export async function checkPresent(places: readonly Pick<Store, "label" | "vanished">[]): Promise<void> {
  for (const place of places) {
    if (!await place.vanished()) continue;
    throw new FerryError(
      "guard",
      `${place.label} was a replica and has lost its .ferry/replica, as when a disk is not mounted; nothing was ` +
        "changed. Look whether all is there, and if it is as it should be, go on with --force",
    );
  }
}

/** Throws `guard` when one place is the other or lies in it: a run would chase its own tail. */
export async function checkApart(
  source: Pick<Store, "label" | "shares">,
  destination: Pick<Store, "label" | "shares">,
): Promise<void> {
  const others = await destination.shares();
  for (const { share, path } of await source.shares()) {
    const other = others.find((one) => one.share === share);
    if (other === undefined || !(isWithin(path, other.path) || isWithin(other.path, path))) continue;
    throw apartError([source.label, destination.label], path === other.path);
  }
}

/** The error of two places that are the same folder, or one within the other. */
export function apartError([source, destination]: [string, string], same: boolean): FerryError {
  const how = same ? "are the same folder" : "lie one within the other";
  return new FerryError(
    "guard",
    `${quote(source)} and ${
      quote(destination)
    } ${how}; nothing was changed. Name two that lie apart, or go on with --force`,
  );
}

/** Throws `guard` when the plan deletes for an empty source. */
export function checkSource(totals: PlanTotals, labels: { source: string; destination: string }): void {
  if (totals.source > 0 || totals.delete === 0) return;
  throw new FerryError(
    "guard",
    `${labels.source} is empty, and ${totals.delete} of the ${totals.destination} entries of ` +
      `${labels.destination} would be deleted; nothing was changed. If it is meant to be empty, go on with --force`,
  );
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
