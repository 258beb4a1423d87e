/** Listings over WebDAV: the answer to PROPFIND with depth 1 (RFC 4918 sections 9.1 and 14), read as it comes. Pure. */
import { SaxesParser } from "saxes";
import { parseHttpDate } from "../../http/date.ts";
import { childOf } from "./child_name.ts";
import { Gathered } from "./gathered.ts";
import { type Listing, type ListingParser, MAX_ENTRY_CHARS, NoListing } from "./listed.ts";

/** What is asked about each entry. */
export const PROPFIND_BODY = '<?xml version="1.0" encoding="utf-8"?>\n' +
  '<propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/><getlastmodified/></prop></propfind>\n';

const MAX_DEPTH = 64;

/** Elements and characters of one `response`: what nobody asked for may be in it too. */
const MAX_PARTS = 5000;

/** Reads a multistatus, that of the folder at `base`. Throws NoListing for what is none. */
export class DavListingParser implements ListingParser {
  readonly #gathered = new Gathered(1000);
  readonly #parser = new SaxesParser({ xmlns: true } as const);
  #open: string[] = [];
  #rooted = false;
  #text = "";
  #parts = 0;
  #chars = 0;
  /** Of text that nothing was made of yet: an attribute or a comment may be long. */
  #unread = 0;
  #href: string | null = null;
  /** What the whole response says, and what the current propstat would add. */
  #known: Properties = {};
  #stat: Properties = {};
  #good = true;

  constructor(readonly base: URL) {
    const parser = this.#parser;
    parser.on("doctype", () => {
      throw new NoListing();
    });
    parser.on("opentag", ({ uri, local }) => {
      this.#unread = 0;
      this.#begin(uri === "DAV:" ? local : "");
    });
    parser.on("closetag", () => {
      this.#unread = 0;
      this.#end();
    });
    const text = (text: string) => {
      this.#chars += text.length;
      if (this.#chars > MAX_ENTRY_CHARS) throw new NoListing();
      this.#text += text;
    };
    parser.on("text", text);
    parser.on("cdata", text);
    parser.on("error", () => {
      throw new NoListing();
    });
  }

  write(text: string): void {
    this.#unread += text.length;
    this.#parser.write(text);
    if (this.#unread > 2 * MAX_ENTRY_CHARS) throw new NoListing();
  }

  end(): Listing | null {
    this.#parser.close();
    return this.#rooted && this.#open.length === 0 ? this.#gathered.listing() : null;
  }

  #begin(name: string): void {
    if (this.#open.length === 0 && name !== "multistatus") throw new NoListing();
    if (this.#open.length >= MAX_DEPTH || ++this.#parts > MAX_PARTS) throw new NoListing();
    this.#rooted = true;
    this.#open.push(name);
    this.#text = "";
    if (name === "response" && this.#open.length === 2) {
      this.#href = null;
      this.#known = {};
      this.#parts = 0;
      this.#chars = 0;
    } else if (name === "propstat") {
      this.#stat = {};
      this.#good = true;
    } else if (name === "collection" && this.#open.at(-2) === "resourcetype") this.#stat.folder = true;
  }

  #end(): void {
    const name = this.#open.pop();
    const text = this.#text.trim();
    switch (name) {
      case "href":
        if (this.#open.length === 2) this.#href ??= text;
        break;
      case "getcontentlength":
        if (/^\d{1,15}$/.test(text)) this.#stat.size = Number(text);
        break;
      case "getlastmodified":
        this.#stat.mtime = parseHttpDate(text) ?? undefined;
        break;
      case "status":
        this.#good = /^HTTP\/[\d.]+ 2\d\d/.test(text);
        break;
      case "propstat":
        if (this.#good) Object.assign(this.#known, this.#stat);
        break;
      case "response":
        if (this.#open.length === 1) this.#respond();
    }
    this.#text = "";
  }

  #respond(): void {
    if (this.#href === null) return;
    const child = childOf(this.#href, this.base);
    if (child.kind === "refused") return this.#gathered.refuse(child);
    if (child.kind !== "child") return;
    const { name } = child;
    const { folder, size, mtime } = this.#known;
    if (folder === true || child.slash) this.#gathered.keep({ name, kind: "dir" });
    else if (size === undefined || mtime === undefined) this.#gathered.keep({ name, kind: "file" });
    else this.#gathered.keep({ name, kind: "file", size, mtime });
  }
}

interface Properties {
  folder?: boolean;
  size?: number;
  mtime?: number;
}
