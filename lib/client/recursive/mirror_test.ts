import { assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../../core/errors.ts";
import type { Job } from "../jobs/job.ts";
import type { Outcome } from "../jobs/outcome.ts";
import { FoundJobs } from "./found_jobs.ts";
import type { Listing } from "./listed.ts";
import { LocalTree } from "./local_tree.ts";
import { folderUrl, Mirror, summaryOf } from "./mirror.ts";

const TIME = 1_700_000_000_000;

Deno.test("Mirror makes jobs of what it finds, and counts how they end", async () => {
  const dir = Deno.makeTempDirSync({ prefix: "ferry-test-" });
  try {
    Deno.writeTextFileSync(`${dir}/same`, "12345");
    Deno.writeTextFileSync(`${dir}/old`, "12345");
    for (const name of ["same", "old"]) Deno.utimeSync(`${dir}/${name}`, TIME / 1000, TIME / 1000);
    const listings: Record<string, Listing> = {
      "/p/": {
        entries: [
          { name: "new", kind: "file", size: 5, mtime: TIME },
          { name: "same", kind: "file", size: 5, mtime: TIME },
          { name: "old", kind: "file" },
          { name: "x", kind: "dir" },
        ],
        refused: [{ name: "a\\b", why: "a backslash in a name" }],
        precision: 1,
      },
      "/p/x/": { entries: [{ name: "é", kind: "file" }], refused: [], precision: 1 },
    };
    const mirror = new Mirror({ root: new URL("http://h/p/"), userinfo: "me:p$&w$$@", depth: 9 }, {
      read: (url) => Promise.resolve(listings[url.pathname]),
      local: new LocalTree(dir),
    });
    const jobs: Job[] = [];
    const found = new FoundJobs([mirror]);
    for (let step; !(step = await found.next()).done;) jobs.push(step.value);
    assertEquals(
      jobs.map(({ target, output, mtime, headers, fault }) => [
        target,
        output?.slice(dir.length),
        mtime,
        headers?.get("if-modified-since"),
        fault?.message,
      ]),
      [
        ["http://h/p/", undefined, undefined, undefined, "not fetched: a\\b: a backslash in a name"],
        ["http://me:p$&w$$@h/p/new", "/new", TIME, undefined, undefined],
        ["http://me:p$&w$$@h/p/old", "/old", "server", "Tue, 14 Nov 2023 22:13:20 GMT", undefined],
        ["http://me:p$&w$$@h/p/x/%C3%A9", "/x/é", "server", undefined, undefined],
      ],
    );
    const ended: Outcome = { url: "", method: "GET", status: 200, bytes: 5, ms: 0, retries: 0 };
    const error = { code: "http_status", message: "", exit: 22 };
    jobs[0].onEnd!({ ...ended, bytes: 0, error });
    jobs[1].onEnd!({ ...ended, status: 200 });
    jobs[2].onEnd!({ ...ended, status: 304, bytes: 0 });
    jobs[3].onEnd!({ ...ended, status: 404, error });
    assertEquals(summaryOf([mirror]), "1 file fetched (5 B), 2 unchanged, 2 failed");
    assertEquals(summaryOf([mirror, mirror]), "2 files fetched (10 B), 4 unchanged, 4 failed");
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("folderUrl() puts a slash where a folder has one, and takes no query", () => {
  const cases: [url: string, folder: string][] = [
    ["http://h", "http://h/"],
    ["http://h/a", "http://h/a/"],
    ["http://h/a%20b/", "http://h/a%20b/"],
  ];
  for (const [url, folder] of cases) assertEquals(folderUrl(new URL(url)).href, folder);
  assertThrows(() => folderUrl(new URL("http://h/?C=N")), FerryError, "without a query: http://h/");
});
