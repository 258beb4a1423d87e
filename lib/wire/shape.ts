/**
 * The shape of JSON before it is parsed. The parser makes 50 bytes of memory of each bracket: 16 MB of nothing but
 * brackets would take a server three seconds and 850 MB.
 */

/** Deeper than any message of the API. */
const MAX_DEPTH = 8;

/** What is wrong with the shape of `json`: nested too deeply, or more than `most` brackets and commas. Null for nothing. */
export function shapeProblem(json: string, most: number): string | null {
  let depth = 0, marks = 0;
  for (let at = 0; at < json.length; at++) {
    switch (json.charCodeAt(at)) {
      case 0x22: // "
        at = endOfString(json, at);
        break;
      case 0x5b: // [
      case 0x7b: // {
        if (++depth > MAX_DEPTH) return `nested more than ${MAX_DEPTH} deep`;
        marks++;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth--;
        break;
      case 0x2c: // ,
        marks++;
    }
    if (marks > most) return `more than ${most} values`;
  }
  return null;
}

/** Where the quotation mark is that ends the string which begins at `start`; the end of `json` when there is none. */
function endOfString(json: string, start: number): number {
  for (let at = start;;) {
    at = json.indexOf('"', at + 1);
    if (at === -1) return json.length;
    let first = at;
    while (json.charCodeAt(first - 1) === 0x5c) first--;
    if ((at - first) % 2 === 0) return at;
  }
}
