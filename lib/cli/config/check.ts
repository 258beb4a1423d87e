/** Checks a document by a shape and gives its plain value, with every mistake named. */
import type { Node } from "jsonc-parser";
import { closestString } from "@std/text/closest-string";
import type { Flag } from "../flags.ts";
import { parseDuration, parseSize } from "../units.ts";
import { assertNever, quote } from "../../core/errors.ts";
import { type Document, type Mistake, placeAt } from "./document.ts";
import {
  describe,
  type JsonType,
  jsonTypes,
  type Keys,
  type Shape,
  textProblem,
  type TextShape,
} from "./shape.ts";

/** What a document says. */
export interface Checked {
  /** By the shape: objects with the keys that were given, Maps, lists, and values as flags give them. */
  value: unknown;
  mistakes: Mistake[];
}

/** Longer values are shown by their beginning. */
const SHOWN_CHARS = 40;

/**
 * The value of `document` by `shape`. Paths of the file system are made absolute from `folder`. What is wrong is left
 * out of the value. Of a document with mistakes in its syntax, nothing is said to be missing.
 */
export function checkDocument(document: Document, shape: Shape, folder: string): Checked {
  const { root, text } = document;
  const whole = document.mistakes.length === 0;
  const mistakes = [...document.mistakes];
  const say = (node: Pick<Node, "offset">, message: string): undefined => {
    mistakes.push({ ...placeAt(text, node.offset), message });
  };
  if (root === undefined) {
    if (whole) say({ offset: 0 }, "the file is empty; {} is the least");
    return { value: undefined, mistakes };
  }
  return { value: read(root, shape, "the configuration"), mistakes };

  /** The value of `node`, which messages call `name`; undefined where it is wrong. */
  function read(node: Node, shape: Shape, name: string): unknown {
    const type = node.type as JsonType;
    // Not what stands there: it may be a password in the wrong place.
    if (!jsonTypes(shape).includes(type)) {
      return say(node, `${name} must be ${describe(shape)}, not ${TYPE_NAMES[type]}`);
    }
    switch (shape.kind) {
      case "flag":
        return readFlag(node, shape.flag, name);
      case "text":
        return readText(node, name, shape);
      case "object":
        return readObject(node, shape.keys);
      case "map":
        return readMap(node, shape);
      case "list":
        // What is wrong leaves its place empty: the others keep theirs.
        return elements(
          node,
          (child, i) => read(child, shape.of, `item ${i + 1} of ${name}`) ?? emptyOf(shape.of),
        );
      case "either":
        return read(node, shape.of.find((one) => jsonTypes(one).includes(type))!, name);
      default:
        return assertNever(shape);
    }
  }

  function readFlag(node: Node, flag: Flag, name: string): unknown {
    const { value } = node;
    const wrong = (hint = "") =>
      say(node, `${name} must be ${describe({ kind: "flag", flag })}, not ${shown(node)}${hint}`);
    switch (flag.type) {
      case "boolean":
        return value;
      case "integer":
        return Number.isSafeInteger(value) && value >= flag.min && value <= flag.max ? value : wrong();
      case "size":
        return parseSize(String(value)) ?? wrong();
      case "duration":
        return parseDuration(String(value)) ?? wrong();
      case "string":
        if (flag.choices !== undefined && !flag.choices.includes(value)) {
          return wrong(`; did you mean "${closestString(value, flag.choices)}"?`);
        }
        return readText(node, name, { what: "a text", ...flag });
      case "list": {
        const item = { kind: "text", what: "a text", check: flag.check, path: flag.path } as const;
        if (node.type === "array") {
          return elements(node, (child, i) => read(child, item, `item ${i + 1} of ${name}`));
        }
        const only = readText(node, name, item);
        return only === undefined ? undefined : [only];
      }
      default:
        return assertNever(flag);
    }
  }

  function readText(node: Node, name: string, shape: Omit<TextShape, "kind">): string | undefined {
    const text: string = node.value;
    const problem = textProblem(text, shape);
    if (problem !== null) return say(node, `${name} ${problem}`);
    return shape.path && !text.startsWith("/") ? `${folder}/${text}` : text;
  }

  function readObject(node: Node, keys: Keys): Record<string, unknown> {
    const value: Record<string, unknown> = {};
    for (const { key, child } of properties(node)) {
      const name: string = key.value;
      if (!Object.hasOwn(keys, name)) {
        say(
          key,
          `there is no key ${shown(key)} here; did you mean "${closestString(name, Object.keys(keys))}"?`,
        );
        continue;
      }
      const found = child === undefined ? undefined : read(child, keys[name].shape, `"${name}"`);
      if (found !== undefined) value[name] = found;
    }
    const given = new Set((node.children ?? []).map(({ children }) => children?.[0].value));
    for (const [name, { required }] of Object.entries(keys)) {
      if (required && whole && !given.has(name)) say(node, `the key "${name}" is missing`);
    }
    return value;
  }

  function readMap(node: Node, shape: Extract<Shape, { kind: "map" }>): Map<string, unknown> {
    const value = new Map<string, unknown>();
    for (const { key, child } of properties(node)) {
      const problem = textProblem(key.value, shape.key);
      if (problem !== null) {
        say(key, `${shown(key)} ${problem}`);
        continue;
      }
      const found = child === undefined ? undefined : read(child, shape.of, shown(key));
      if (found !== undefined) value.set(key.value, found);
    }
    return value;
  }

  /** Keys with their values; one that comes twice is a mistake. */
  function properties(node: Node): { key: Node; child: Node | undefined }[] {
    const found = new Map<string, { key: Node; child: Node | undefined }>();
    for (const { children } of node.children ?? []) {
      if (children === undefined || children.length === 0) continue;
      const [key, child] = children;
      const first = found.get(key.value);
      if (first === undefined) found.set(key.value, { key, child });
      else {
        const { line } = placeAt(text, first.key.offset);
        say(key, `the key ${shown(key)} comes twice, first in line ${line}`);
      }
    }
    return [...found.values()];
  }

  function elements(node: Node, each: (child: Node, index: number) => unknown): unknown[] {
    return (node.children ?? []).map(each).filter((value) => value !== undefined);
  }

  /** What stands there, short enough for a message. */
  function shown(node: Node): string {
    const source = text.slice(node.offset, node.offset + node.length);
    return quote(source.length > SHOWN_CHARS ? `${source.slice(0, SHOWN_CHARS)}...` : source);
  }
}

/** What stands in a list for an object that is none. */
function emptyOf(shape: Shape): unknown {
  return shape.kind === "object" ? {} : undefined;
}

const TYPE_NAMES: Readonly<Record<JsonType, string>> = {
  string: "a text",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  null: "null",
};
