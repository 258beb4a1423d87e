/** Holds the layers of docs/design.md: a file imports its own folder and the layers below, never above or beside. */
import { assert, assertEquals } from "@std/assert";

const ROOT = new URL("..", import.meta.url);

/** From the top down. Folders on one line never import each other. */
const LAYERS: readonly (readonly string[])[] = [
  ["main.ts"],
  ["cmd"],
  ["lib/demo"],
  ["lib/server", "lib/sync"],
  ["lib/store"],
  ["lib/client"],
  ["lib/http", "lib/wire", "lib/cli"],
  ["lib/delta"],
  ["lib/core"],
];

/** All that the program's first file may know of. */
const ONLY: Readonly<Record<string, readonly string[]>> = { "main.ts": ["cmd", "lib/cli"] };

interface Import {
  specifier: string;
  /** `import type` and `export type`, which are gone when the program runs. */
  type: boolean;
}

/** What is wrong with the imports of the file at `path` (below the repository's root), a line each. */
function violations(path: string, source: string): string[] {
  const from = layerOf(path);
  if (from === null) return [`${path}: in no known layer`];
  return importsOf(source).flatMap(({ specifier }) => {
    if (!/^[./]/.test(specifier)) return [];
    const target = resolve(path, specifier);
    const to = layerOf(target);
    const line = `${path} imports ${target}`;
    if (to === null) return [`${line}: in no known layer`];
    if (ONLY[from.name] !== undefined && !ONLY[from.name].includes(to.name)) {
      return [`${line}: not its business`];
    }
    if (to.name === from.name) return [];
    if (to.level === from.level) return [`${line}: beside it`];
    return to.level < from.level ? [`${line}: above it`] : [];
  });
}

function layerOf(path: string): { name: string; level: number } | null {
  for (const [level, names] of LAYERS.entries()) {
    const name = names.find((layer) => path === layer || path.startsWith(layer + "/"));
    if (name !== undefined) return { name, level };
  }
  return null;
}

function resolve(path: string, specifier: string): string {
  return new URL(specifier, `file:///${path}`).pathname.slice(1);
}

/** Every specifier of `source`, static and dynamic. Comments and the insides of texts are passed over. */
function importsOf(source: string): Import[] {
  const found: Import[] = [];
  // What came since the last `;`, `}` or text, comments taken out: an import has its keyword there.
  let before = "";
  for (let at = 0; at < source.length;) {
    const rest = /^(?:\/\/[^\n]*|\/\*[^]*?\*\/)/.exec(source.slice(at, at + 20_000));
    if (rest !== null) {
      at += rest[0].length;
      continue;
    }
    const quote = source[at];
    if (quote === '"' || quote === "'" || quote === "`") {
      const end = textEnd(source, at);
      const specifier = source.slice(at + 1, end);
      if (/(?:^|[^.\w])(?:from|import)\s*\(?\s*$/.test(before)) {
        found.push({ specifier, type: /(?:^|\s)(?:import|export)\s+type\b[^]*$/.test(before) });
      }
      before = "";
      at = end + 1;
      continue;
    }
    before = quote === ";" ? "" : before + quote;
    at++;
  }
  return found;
}

/** The index of the quote that ends the text at `start`; a line ends what is no text after all. */
function textEnd(source: string, start: number): number {
  const quote = source[start];
  for (let at = start + 1; at < source.length; at++) {
    if (source[at] === "\\") at++;
    else if (source[at] === quote || (source[at] === "\n" && quote !== "`")) return at;
  }
  return source.length;
}

/** The program's own files, as paths below the repository's root. */
function* sourceFiles(dir = ""): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(new URL(dir, ROOT))) {
    if (isDirectory && (dir !== "" || name === "lib" || name === "cmd")) yield* sourceFiles(`${dir}${name}/`);
    else if (name.endsWith(".ts") && (dir !== "" || name === "main.ts")) yield dir + name;
  }
}

const FILES = new Map([...sourceFiles()].map((path) => [path, Deno.readTextFileSync(new URL(path, ROOT))]));

Deno.test("no file imports a layer above or beside its own", () => {
  assert(
    FILES.size > 50 && FILES.has("main.ts") && FILES.has("lib/core/paths.ts"),
    "the files were not found",
  );
  assertEquals([...FILES].flatMap(([path, source]) => violations(path, source)), []);
});

Deno.test("every import of a file of ours names one that exists", () => {
  for (const [path, source] of FILES) {
    for (const { specifier } of importsOf(source)) {
      if (!specifier.startsWith(".")) continue;
      assert(FILES.has(resolve(path, specifier)), `${path} imports ${specifier}`);
    }
  }
});

Deno.test("no file imports itself by way of others", () => {
  const edges = (path: string) =>
    importsOf(FILES.get(path)!).filter(({ type, specifier }) => !type && specifier.startsWith("."))
      .map(({ specifier }) => resolve(path, specifier));
  const done = new Set<string>();
  const visit = (path: string, way: readonly string[]) => {
    assert(!way.includes(path), `a cycle: ${[...way.slice(way.indexOf(path)), path].join(" -> ")}`);
    if (done.has(path)) return;
    for (const next of edges(path)) visit(next, [...way, path]);
    done.add(path);
  };
  for (const path of FILES.keys()) visit(path, []);
});

Deno.test("violations() finds what must not be", () => {
  const cases: [path: string, source: string, found: string[]][] = [
    ["lib/core/a.ts", 'import { b } from "../store/b.ts";', [
      "lib/core/a.ts imports lib/store/b.ts: above it",
    ]],
    ["lib/core/a.ts", 'import type { B } from "../store/b.ts";', [
      "lib/core/a.ts imports lib/store/b.ts: above it",
    ]],
    ["lib/core/a.ts", 'export * from "../wire/b.ts";', ["lib/core/a.ts imports lib/wire/b.ts: above it"]],
    ["lib/core/a.ts", 'import "../wire/b.ts";', ["lib/core/a.ts imports lib/wire/b.ts: above it"]],
    [
      "lib/store/a.ts",
      'const { b } = await import("../server/b.ts");',
      ["lib/store/a.ts imports lib/server/b.ts: above it"],
    ],
    [
      "lib/store/a.ts",
      "import {\n  b, // of old\n  type C,\n} from /* why? */ '../sync/b.ts'",
      ["lib/store/a.ts imports lib/sync/b.ts: above it"],
    ],
    ["lib/server/a.ts", 'import "../sync/b.ts";', ["lib/server/a.ts imports lib/sync/b.ts: beside it"]],
    ["lib/sync/a.ts", 'import "../server/b.ts";', ["lib/sync/a.ts imports lib/server/b.ts: beside it"]],
    ["lib/wire/a.ts", 'import "../http/b.ts";', ["lib/wire/a.ts imports lib/http/b.ts: beside it"]],
    ["lib/store/a_test.ts", 'import "../../tests/b.ts";', [
      "lib/store/a_test.ts imports tests/b.ts: in no known layer",
    ]],
    ["main.ts", 'import "./lib/core/errors.ts";', ["main.ts imports lib/core/errors.ts: not its business"]],
    ["lib/new/a.ts", "", ["lib/new/a.ts: in no known layer"]],
    // What may be.
    ["lib/core/a.ts", 'import "./b.ts"; import "node:fs"; import { x } from "@std/x";', []],
    ["cmd/a.ts", 'import "../lib/core/b.ts"; import "../lib/server/c.ts"; import "./d.ts";', []],
    ["main.ts", 'import "./cmd/program.ts"; import "./lib/cli/io.ts";', []],
    // What is no import at all.
    ["lib/core/a.ts", '// import "../store/b.ts";\n/* import "../store/b.ts" */', []],
    ["lib/core/a.ts", 'const text = `import "../store/b.ts"`;', []],
    ["lib/core/a.ts", 'say("away from " + "../store/b.ts");', []],
  ];
  for (const [path, source, found] of cases) assertEquals(violations(path, source), found, source);
});

Deno.test("importsOf() tells types from what runs", () => {
  const source =
    'import type { A } from "a"; import { type B, c } from "b"; export type { D } from "d"; await import("e")';
  assertEquals(importsOf(source).map(({ specifier, type }) => `${specifier}${type ? " type" : ""}`), [
    "a type",
    "b",
    "d type",
    "e",
  ]);
});
