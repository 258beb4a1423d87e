/** The tags and texts of a page, piece by piece; comments, scripts and styles are left out. No tree is built. */
import { decodeEntities } from "./entities.ts";
import { MAX_ENTRY_CHARS, NoListing } from "./listed.ts";

/** What is told, in the order of the page. */
export interface HtmlEvents {
  /** `attributes` is what stands between the name and `>`. */
  open(tag: string, attributes: string): void;
  close(tag: string): void;
  /** Character references are resolved. Long text comes in pieces. */
  text(text: string): void;
}

/** Their content is text for somebody else. */
const RAW: readonly string[] = ["script", "style", "textarea", "template", "noscript"];

/** A tag, its attributes with `>` in quotes taken for what it is. */
const TAG = /<\/?[A-Za-z][A-Za-z0-9:-]*(?:[^>=]|=\s*"[^"]*"|=\s*'[^']*'|=(?!\s*["']))*>/y;

/** The name in one. */
const NAME = /[A-Za-z0-9:-]+/y;

/** Splits HTML. Throws NoListing for a tag without an end. */
export class HtmlTokens {
  #rest = "";
  /** What must come before anything is told again: the end of a comment or of an element of raw text. */
  #until: RegExp | null = null;

  constructor(readonly events: HtmlEvents) {}

  write(text: string): void {
    this.#rest = this.#rest === "" ? text : this.#rest + text;
    let at = 0;
    const { length } = this.#rest;
    while (at < length) {
      const next = this.#until !== null ? this.#skip(at) : this.#token(at);
      if (next === null) break;
      at = next;
    }
    this.#rest = this.#rest.slice(at);
    if (this.#rest.length > MAX_ENTRY_CHARS) throw new NoListing();
  }

  /** Passes over what is not told; null when its end is not there yet. */
  #skip(at: number): number | null {
    const until = this.#until!;
    until.lastIndex = at;
    const match = until.exec(this.#rest);
    if (match !== null) {
      this.#until = null;
      return match.index + match[0].length;
    }
    // The end may have begun.
    const safe = Math.max(at, this.#rest.length - 32);
    return safe > at ? safe : null;
  }

  #token(at: number): number | null {
    const html = this.#rest;
    const start = html.indexOf("<", at);
    if (start !== at) {
      const end = start === -1 ? html.length : start;
      // A character reference may go on in the next piece.
      const cut = start === -1 ? html.lastIndexOf("&", end) : -1;
      const safe = cut >= at && end - cut < 16 ? cut : end;
      if (safe === at) return null;
      this.events.text(decodeEntities(html.slice(at, safe)));
      return safe;
    }
    if (html.startsWith("<!--", at)) {
      this.#until = /-->/g;
      return at + 4;
    }
    if (html[at + 1] === "!" || html[at + 1] === "?") {
      if (html.length < at + 4) return null;
      this.#until = />/g;
      return at + 2;
    }
    TAG.lastIndex = at;
    // What a match would hold is garbage a thousand times over.
    if (!TAG.test(html)) {
      // A `<` that begins no tag is text.
      if (html.length > at + 1 && !/[A-Za-z/]/.test(html[at + 1])) {
        this.events.text("<");
        return at + 1;
      }
      return null;
    }
    const end = TAG.lastIndex;
    const isEnd = html[at + 1] === "/";
    NAME.lastIndex = isEnd ? at + 2 : at + 1;
    const from = NAME.lastIndex;
    NAME.test(html);
    const tag = html.slice(from, NAME.lastIndex).toLowerCase();
    if (isEnd) this.events.close(tag);
    else {
      this.events.open(tag, html.slice(NAME.lastIndex, end - 1));
      if (RAW.includes(tag)) this.#until = new RegExp(`</${tag}\\s*>`, "gi");
    }
    return end;
  }
}

const ATTRIBUTE = /([^\s=\/"'<>]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g;

/** The value of the attribute `name`, the first one of it; null when there is none. */
export function attributeOf(attributes: string, name: string): string | null {
  const plain = ` ${name}="`;
  const end = attributes.startsWith(plain) ? attributes.indexOf('"', plain.length) : -1;
  if (end !== -1) return decodeEntities(attributes.slice(plain.length, end));
  ATTRIBUTE.lastIndex = 0;
  for (let match; (match = ATTRIBUTE.exec(attributes)) !== null;) {
    if (match[1].toLowerCase() === name) return decodeEntities(match[2] ?? match[3] ?? match[4] ?? "");
  }
  return null;
}
