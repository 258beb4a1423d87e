/** How much room text takes on a terminal. All pure. */

/**
 * What most terminals draw two columns wide: East Asian Wide and Fullwidth (Unicode UAX #11), and what is shown as
 * an emoji unless told otherwise (UTS #51).
 */
const WIDE = new RegExp(
  "[\\p{Emoji_Presentation}\\u1100-\\u115f\\u2329\\u232a\\u2630-\\u2637\\u268a-\\u268f\\u2e80-\\u303e\\u3041-\\ua4cf" +
    "\\ua960-\\ua97c\\uac00-\\ud7a3\\uf900-\\ufaff\\ufe10-\\ufe19\\ufe30-\\ufe6f\\uff01-\\uff60\\uffe0-\\uffe6" +
    "\\u{16fe0}-\\u{18dff}\\u{1aff0}-\\u{1b2ff}\\u{1d300}-\\u{1d376}\\u{1f200}-\\u{1f265}\\u{20000}-\\u{3fffd}]",
  "u",
);

/** What is drawn over or into the character before it, or not at all; vowels and finals of Hangul, too. */
const NO_WIDTH = /(?![\u00ad\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2])[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff]/u;

/** Makes an emoji, drawn wide, of the character before it. */
const EMOJI_SELECTOR = "\ufe0f";

/**
 * Columns that `text` takes on a terminal; rather too many than too few where terminals differ.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals([textWidth("abc"), textWidth("日本"), textWidth("e\u0301"), textWidth("🚢")], [3, 4, 1, 2]);
 * ```
 */
export function textWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

function characterWidth(character: string): number {
  if (character === EMOJI_SELECTOR) return 1;
  if (NO_WIDTH.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/**
 * `text` in at most `width` columns: its middle becomes `…` where it is longer, so that beginning and extension stay.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(shortenMiddle("holiday-pictures.tar", 12), "holida…s.tar");
 * ```
 */
export function shortenMiddle(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  if (width < 1) return "";
  const pieces = graphemes(text);
  const atEnd = Math.floor((width - 1) * 0.45);
  const end = take(pieces.toReversed(), atEnd).toReversed();
  const start = take(pieces, width - 1 - textWidth(end.join("")));
  return [...start, "…", ...end].join("");
}

/** As many of `pieces` as fit into `width` columns. */
function take(pieces: readonly string[], width: number): string[] {
  let left = width;
  const end = pieces.findIndex((piece) => (left -= textWidth(piece)) < 0);
  return pieces.slice(0, end === -1 ? undefined : end);
}

/** What a reader takes for one character each: letters keep their accents. */
function graphemes(text: string): string[] {
  return Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
}

/** `text` and blanks up to `width` columns, before it when `align` is right. */
export function padText(text: string, width: number, align: "left" | "right" = "left"): string {
  const blanks = " ".repeat(Math.max(0, width - textWidth(text)));
  return align === "left" ? text + blanks : blanks + text;
}
