/** The JSON schema (draft 7, as editors know it) of files of a shape. */
import type { Flag } from "../../cli/flags.ts";
import { assertNever } from "../../core/errors.ts";
import { type Key, type Keys, type Shape, type TextShape } from "../../cli/config/shape.ts";

type Schema = Record<string, unknown>;

/** The schema of whole files. */
export function jsonSchema(shape: Shape, title: string): Schema {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title,
    // What editors of JSON with comments ask for.
    allowComments: true,
    allowTrailingCommas: true,
    ...schemaOf(shape),
  };
}

function schemaOf(shape: Shape): Schema {
  switch (shape.kind) {
    case "flag":
      return flagSchema(shape.flag);
    case "text":
      return textSchema(shape);
    case "object":
      return objectSchema(shape.keys);
    case "map":
      return {
        type: "object",
        propertyNames: textSchema(shape.key),
        additionalProperties: schemaOf(shape.of),
      };
    case "list":
      return { type: "array", items: schemaOf(shape.of) };
    case "either":
      return { anyOf: shape.of.map(schemaOf) };
    default:
      return assertNever(shape);
  }
}

function objectSchema(keys: Keys): Schema {
  const required = Object.keys(keys).filter((name) => keys[name].required);
  return {
    type: "object",
    properties: Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, keySchema(key)])),
    ...(required.length > 0 && { required }),
    additionalProperties: false,
  };
}

function keySchema({ shape, about }: Key): Schema {
  return { description: about, ...schemaOf(shape) };
}

function textSchema({ pattern }: TextShape): Schema {
  return { type: "string", minLength: 1, ...(pattern !== undefined && { pattern: pattern.source }) };
}

function flagSchema(flag: Flag): Schema {
  const preset = "default" in flag && flag.default !== null && flag.default !== undefined
    ? { default: flag.default }
    : {};
  switch (flag.type) {
    case "boolean":
      return { type: "boolean", ...preset };
    case "integer":
      return { type: "integer", minimum: flag.min, maximum: flag.max, ...preset };
    case "string":
      if (flag.choices !== undefined) return { enum: [...flag.choices], ...preset };
      return { type: "string", minLength: 1, ...preset };
    case "size":
      return { ...quantity("^\\s*\\d+(\\.\\d+)?\\s*([kKmMgGtT]([iI]?[bB])?|[bB])?\\s*$"), ...preset };
    case "duration":
      return { ...quantity("^\\s*\\d+(\\.\\d+)?(ms|s|m|h|d)?\\s*$"), ...preset };
    case "list": {
      const item = { type: "string", minLength: 1 };
      return { anyOf: [{ type: "array", items: item }, item] };
    }
    default:
      return assertNever(flag);
  }
}

function quantity(pattern: string): Schema {
  return { anyOf: [{ type: "string", pattern }, { type: "number", minimum: 0 }] };
}
