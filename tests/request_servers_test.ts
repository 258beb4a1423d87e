/** `ferry request` beside the servers that people have: many requests on few connections, and uploads that are asked for. */
import { assertEquals } from "@std/assert";
import { ferry, serve, sha256, type TempDir, tempDir } from "./harness.ts";
import {
  apacheServer,
  caddyServer,
  type ListingServer,
  nginxServer,
  pythonServer,
  rcloneServer,
} from "./listing_servers.ts";
import { installed } from "./programs.ts";

const LARGE = 3 << 20;

/** Small files, an empty one and a large one. */
function files(): Record<string, Uint8Array> {
  const small = Array.from({ length: 60 }, (_, index): [string, Uint8Array] => {
    return [`f${index}`, new Uint8Array(index * 37).fill(index)];
  });
  const large = new Uint8Array(LARGE);
  for (let at = 0; at < LARGE; at += 65536) crypto.getRandomValues(large.subarray(at, at + 65536));
  return { ...Object.fromEntries(small), "large": large };
}

async function ferryServer(dir: string): Promise<ListingServer> {
  const server = await serve(dir, ["--writable"]);
  return { name: "ferry", url: server.url + "/", [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** A server, the path of its files, and of those that it lets be written. */
interface Case {
  start: (dir: TempDir, scratch: TempDir) => Promise<ListingServer>;
  files: string;
  uploads?: string;
}

const CASES: [program: string | null, Case][] = [
  [null, { start: (dir) => ferryServer(dir.path), files: "", uploads: "" }],
  ["nginx", { start: (dir, scratch) => nginxServer(dir.path, scratch.path), files: "json/" }],
  ["caddy", { start: (dir, scratch) => caddyServer(dir.path, scratch.path), files: "" }],
  ["apache2", {
    start: (dir, scratch) => apacheServer(dir.path, scratch.path),
    files: "plain/",
    uploads: "dav/",
  }],
  ["python3", { start: (dir) => pythonServer(dir.path), files: "" }],
  ["rclone", { start: (dir) => rcloneServer("webdav", dir.path), files: "", uploads: "" }],
];

for (const [program, { start, files: path, uploads }] of CASES) {
  const ignore = program !== null && !installed(program);
  Deno.test(
    `request gets and sends much over few connections: ${program ?? "ferry"}`,
    { ignore },
    async () => {
      const tree = files();
      using dir = tempDir(tree);
      using scratch = tempDir();
      using out = tempDir();
      await using server = await start(dir, scratch);
      const urls = Object.keys(tree).map((name) => `${server.url}${path}${name}`);
      // Into a pipe, in order, and into files; more at a time than there are connections.
      const piped = await ferry(["request", "--parallel", "40", ...urls]);
      const whole = new Uint8Array(
        await new Blob(Object.values(tree) as Uint8Array<ArrayBuffer>[]).arrayBuffer(),
      );
      assertEquals([piped.code, await sha256(piped.stdoutBytes)], [0, await sha256(whole)], piped.stderr);
      const saved = await ferry(["request", "--parallel", "40", "--output-dir", out.path, ...urls]);
      assertEquals(saved.code, 0, saved.stderr);
      const names = [...Deno.readDirSync(out.path)].map((entry) => entry.name);
      assertEquals(names.sort(), Object.keys(tree).sort());
      for (const name of names) {
        assertEquals([name, await sha256(Deno.readFileSync(out.at(name)))], [name, await sha256(tree[name])]);
      }
      const mixed = await ferry([
        "request",
        "--parallel",
        "4",
        `${server.url}${path}none`,
        `${server.url}${path}f1`,
      ]);
      assertEquals([mixed.code, mixed.stdoutBytes.length], [22, 37], mixed.stderr);
      if (uploads === undefined) return;
      const target = `${server.url}${uploads}new`;
      const sent = await ferry(["request", "PUT", "-T", dir.at("large"), "--no-fail", target]);
      const again = await ferry(["request", "PUT", "-T", "-", target + "2"], { stdin: tree.f59 });
      assertEquals([sent.code, again.code], [0, 0], sent.stderr + again.stderr);
      assertEquals(await sha256(Deno.readFileSync(dir.at("new"))), await sha256(tree.large));
      assertEquals(Deno.readFileSync(dir.at("new2")), tree.f59);
    },
  );
}
