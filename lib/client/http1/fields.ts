/** The header fields of an answer, in the order and spelling of the wire. Pure. */

/** What reads fields; `Headers` is one too, which does not know how they were spelled. */
export type FieldReader = Pick<Headers, "get" | "has"> & Iterable<[name: string, value: string]> & {
  asSent?(): Iterable<[name: string, value: string]>;
};

/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Every control character but the tab: RFC 9110 section 5.5 lets none of them into a value. */
// deno-lint-ignore no-control-regex -- control characters are what this is about
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;

/** So many fields are taken, of an answer or of its trailer. */
export const MAX_FIELDS = 256;

/** A head that breaks the rules. The message says what it has, as in "with a field without a name". */
export class HeadError extends Error {}

/** Fields as they came. Lighter than `Headers`: nothing is sorted, copied or checked twice. */
export class Fields implements FieldReader {
  /** As they were spelled. */
  readonly #names: string[] = [];
  readonly #values: string[] = [];

  /** Takes one line without its end. Throws HeadError; RFC 9112 section 5: no folding, nothing before the colon. */
  add(line: string): void {
    if (this.#names.length >= MAX_FIELDS) throw new HeadError(`more than ${MAX_FIELDS} headers`);
    const colon = line.indexOf(":");
    const name = line.slice(0, colon === -1 ? undefined : colon);
    if (colon === -1 || !TOKEN.test(name)) throw new HeadError("a header without a valid name");
    const value = trimmed(line, colon + 1);
    if (CONTROL.test(value)) throw new HeadError(`a control character in the header ${name.toLowerCase()}`);
    this.#names.push(name);
    this.#values.push(value);
  }

  /** The value, bytes as Latin-1; those of several fields of that name with commas between (RFC 9110 section 5.3). */
  get(name: string): string | null {
    let value: string | null = null;
    for (let at = this.#find(name, 0); at !== -1; at = this.#find(name, at + 1)) {
      value = value === null ? this.#values[at] : `${value}, ${this.#values[at]}`;
    }
    return value;
  }

  has(name: string): boolean {
    return this.#find(name, 0) !== -1;
  }

  /** Names in lower case, each field by itself. */
  *[Symbol.iterator](): Generator<[name: string, value: string]> {
    for (const [name, value] of this.asSent()) yield [name.toLowerCase(), value];
  }

  /** With the names as they were spelled. */
  *asSent(): Generator<[name: string, value: string]> {
    for (const [index, name] of this.#names.entries()) yield [name, this.#values[index]];
  }

  #find(name: string, from: number): number {
    for (let at = from; at < this.#names.length; at++) {
      const other = this.#names[at];
      if (other.length === name.length && (other === name || other.toLowerCase() === name.toLowerCase())) {
        return at;
      }
    }
    return -1;
  }
}

/** Without the blanks and tabs around it. */
function trimmed(line: string, from: number): string {
  let start = from, end = line.length;
  while (start < end && isBlank(line.charCodeAt(start))) start++;
  while (end > start && isBlank(line.charCodeAt(end - 1))) end--;
  return line.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}
