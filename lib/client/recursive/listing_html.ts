/**
 * Listings as pages, of whatever server: the links to what lies right in the folder. What such pages say about sizes
 * and times is rounded and in no common form, so it is not read. Pure.
 */
import { childOf } from "./child_name.ts";
import { Gathered } from "./gathered.ts";
import { attributeOf, HtmlTokens } from "./html_tokens.ts";
import type { Listing, ListingParser } from "./listed.ts";

/** What titles of listings have in common, in any case. */
const TITLE = /index of|directory|listing|files? (?:in|within)/i;

/** Characters of one link's text, and of the title. */
const MAX_TEXT = 2000;

/** Reads a listing in HTML, that of the folder at `base`. */
export class HtmlListingParser implements ListingParser {
  readonly #gathered = new Gathered(1000);
  readonly #tokens: HtmlTokens;
  /** Names whose links do not say them, as those of a listing do, and those of a page by somebody's hand seldom. */
  readonly #untold = new Set<string>();
  #link: string | null = null;
  #text = "";
  #titleDepth = 0;
  #title = "";
  #looksEmpty = false;

  constructor(readonly base: URL) {
    this.#tokens = new HtmlTokens({
      open: (tag, attributes) => this.#open(tag, attributes),
      close: (tag) => this.#close(tag),
      text: (text) => this.#say(text),
    });
  }

  write(text: string): void {
    this.#tokens.write(text);
  }

  end(): Listing | null {
    this.#finish();
    const { size } = this.#gathered;
    const listed = size > 0 ? this.#untold.size * 2 <= size : this.#looksEmpty;
    return listed || TITLE.test(this.#title) || this.#titleIsPath() ? this.#gathered.listing() : null;
  }

  #open(tag: string, attributes: string): void {
    if (tag === "title" || tag === "h1") this.#titleDepth++;
    // What Go's file server writes for an empty folder is this and nothing more.
    if (tag === "pre") this.#looksEmpty = true;
    if (tag !== "a") return;
    this.#finish();
    this.#link = attributeOf(attributes, "href");
    // One up: a listing without entries has it.
    if (this.#link !== null && /^\.\.?\/?$/.test(this.#link)) this.#looksEmpty = true;
  }

  #close(tag: string): void {
    if (tag === "a") this.#finish();
    if ((tag === "title" || tag === "h1") && this.#titleDepth > 0) this.#titleDepth--;
  }

  #say(text: string): void {
    if (this.#link !== null && this.#text.length < MAX_TEXT) this.#text += text.slice(0, MAX_TEXT);
    if (this.#titleDepth > 0 && this.#title.length < MAX_TEXT) this.#title += text.slice(0, MAX_TEXT) + " ";
  }

  /** A link has ended, or another one begins. */
  #finish(): void {
    const [href, text] = [this.#link, this.#text];
    this.#link = null;
    this.#text = "";
    if (href === null) return;
    const child = childOf(href, this.base);
    if (child.kind === "refused") return this.#gathered.refuse(child);
    if (child.kind !== "child") return;
    const before = this.#gathered.size;
    const name = this.#gathered.keep({ name: child.name, kind: child.slash ? "dir" : "file" });
    if (says(text, name)) this.#untold.delete(name);
    else if (this.#gathered.size > before) this.#untold.add(name);
  }

  #titleIsPath(): boolean {
    const name = decodeURIComponentOr(this.base.pathname.split("/").at(-2) ?? "");
    return name !== "" && this.#title.split(/[\s/]+/).includes(name);
  }
}

/** Whether the text of a link is the name that it leads to, or its beginning where that is long. */
function says(text: string, name: string): boolean {
  if (text.startsWith(name) && (text.length === name.length || text.slice(name.length) === "/")) return true;
  const bare = (from: string) => from.replace(/[\p{C}\p{Z}\u2400-\u243f]+/gu, "");
  const said = bare(text).replace(/\/$/, "");
  const whole = bare(name);
  if (said === whole) return true;
  const cut = /^(.+?)(?:\.{2,3}|…)>?$/su.exec(said);
  return cut !== null && whole.startsWith(cut[1]);
}

function decodeURIComponentOr(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
