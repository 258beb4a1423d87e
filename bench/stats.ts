/** What the samples of one program add up to; pure. */

export interface Summary {
  median: number;
  min: number;
  max: number;
  rounds: number;
}

/**
 * The middle of `values`; of an even count, the mean of the two in the middle. NaN when there is none.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(median([5, 1, 2]), 2);
 * ```
 */
export function median(values: readonly number[]): number {
  if (values.length === 0) return NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Median, least and greatest of `values`; null when there is none. */
export function summarise(values: readonly number[]): Summary | null {
  if (values.length === 0) return null;
  return {
    median: median(values),
    min: Math.min(...values),
    max: Math.max(...values),
    rounds: values.length,
  };
}

/** How many times `theirs` is `ours`, by medians; null when one of them has no samples. */
export function ratio(ours: readonly number[], theirs: readonly number[]): number | null {
  const value = median(ours) / median(theirs);
  return Number.isFinite(value) ? value : null;
}

/** Three significant digits, thousands apart with commas: `0.652`, `3.10`, `57,000`. */
export function significant(value: number): string {
  if (!Number.isFinite(value)) return "-";
  if (Math.abs(value) >= 1000) {
    const step = 10 ** (Math.floor(Math.log10(Math.abs(value))) - 2);
    return (Math.round(value / step) * step).toLocaleString("en-US");
  }
  return value === 0 ? "0" : value.toPrecision(3);
}
