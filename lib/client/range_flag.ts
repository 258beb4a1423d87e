/** The value of `--range` and whether an answer serves it. Pure. */
import { FerryError } from "../core/errors.ts";
import { parseContentRange } from "./transfer/resume.ts";

/** A checked `--range`: the bytes that a single range asks for, or several ranges in one answer. */
export type RangeWish =
  | { kind: "from"; text: string; start: number; end?: number }
  | { kind: "last"; text: string; count: number }
  | { kind: "several"; text: string };

/** Reads `0-99`, `100-`, `-500` or several with commas; ends become exclusive. Throws `usage`. */
export function parseRangeFlag(text: string): RangeWish {
  const wrong = () => new FerryError("usage", `--range ${text}: must be like 0-99, 100-, -500 or 0-9,20-29`);
  const specs = text.replace(/^bytes=/, "").split(",").map((spec) => spec.trim());
  for (const spec of specs) {
    const match = /^(\d{0,15})-(\d{0,15})$/.exec(spec);
    if (match === null || spec === "-") throw wrong();
    if (match[1] !== "" && match[2] !== "" && Number(match[2]) < Number(match[1])) throw wrong();
  }
  const joined = specs.join(",");
  if (specs.length > 1) return { kind: "several", text: joined };
  const [first, last] = specs[0].split("-");
  if (first === "") return { kind: "last", text: joined, count: Number(last) };
  return {
    kind: "from",
    text: joined,
    start: Number(first),
    end: last === "" ? undefined : Number(last) + 1,
  };
}

/** The bytes that an answer of 206 brings, when they are the ones that were asked for; throws `no_ranges`. */
export function servedRange(
  wish: RangeWish,
  headers: Pick<Headers, "get">,
): { start: number; end: number } | null {
  if (wish.kind === "several" && headers.get("content-range") === null) return null;
  const range = parseContentRange(headers.get("content-range"));
  if (range?.kind !== "part") {
    throw new FerryError("no_ranges", "the server answers 206 without saying which bytes it sends");
  }
  const right = wish.kind === "several" ||
    (wish.kind === "from" && range.start === wish.start && range.end <= (wish.end ?? Infinity)) ||
    (wish.kind === "last" && range.end - range.start <= wish.count &&
      (range.size === undefined || range.end === range.size));
  if (!right) {
    throw new FerryError(
      "no_ranges",
      `the server sends bytes ${range.start}-${range.end - 1} where ${wish.text} was asked for`,
    );
  }
  return { start: range.start, end: range.end };
}
