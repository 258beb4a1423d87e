import { assert, assertEquals, assertMatch } from "@std/assert";
import { ENV, ferry, ferryCommand, tempDir } from "./harness.ts";
import { type Event, randomBytes } from "./sync_fixtures.ts";

/** A `ferry sync` that goes on until it is told to stop; `await using` kills it if the test did not end it. */
class Going implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #readings: Promise<void>[];
  #ended = false;
  stdout = "";
  stderr = "";

  constructor(args: readonly string[], env: Record<string, string> = {}) {
    const command = ferryCommand(["sync", ...args]);
    this.#child = new Deno.Command(command.path, {
      args: command.args,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      env: { ...ENV, ...env },
    }).spawn();
    this.#readings = [
      this.#read(this.#child.stdout, (text) => this.stdout += text),
      this.#read(this.#child.stderr, (text) => this.stderr += text),
    ];
  }

  async #read(stream: ReadableStream<Uint8Array>, take: (text: string) => void): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) take(text);
  }

  /** The `done` events so far. */
  get done(): Event[] {
    return this.stdout.split("\n").slice(0, -1).map((line) => JSON.parse(line)).filter((event) =>
      event.event === "done"
    );
  }

  async until(happened: () => boolean): Promise<void> {
    const end = Date.now() + 30_000;
    while (!happened()) {
      assert(Date.now() < end, `it did not happen: ${this.stdout}${this.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  async code(): Promise<number> {
    const { code } = await this.#child.status;
    this.#ended = true;
    await Promise.all(this.#readings);
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    this.#child.kill("SIGKILL");
    await this.code();
  }
}

Deno.test("sync --every runs again and again, each run with its summary, until SIGTERM", async () => {
  using dir = tempDir({ "src/a": "a" });
  await using going = new Going(["--every", "1s", "--json", dir.at("src"), dir.at("dst")]);
  await going.until(() => going.done.length === 1);
  Deno.writeTextFileSync(dir.at("src/b"), "b");
  await going.until(() => going.done.some(({ created }, index) => index > 0 && created === 1));
  assertEquals(Deno.readTextFileSync(dir.at("dst/b")), "b");
  going.kill("SIGTERM");
  assertEquals([await going.code(), going.stderr], [143, ""]);
  const [first] = going.done;
  assertEquals([first.ok, first.exit, first.created], [true, 0, 1]);
  const started = going.done.map(({ started }) => Date.parse(String(started)));
  assert(started.every((time, index) => index === 0 || time > started[index - 1]), started.join());
});

Deno.test("sync --every goes on after a run that failed, and says when", async () => {
  using dir = tempDir({});
  await using going = new Going(["--every", "1s", dir.at("src"), dir.at("dst")], { TZ: "Asia/Kolkata" });
  await going.until(() => /next run at .*\n/.test(going.stderr));
  // A slow machine may have come to the next failure.
  assertMatch(
    going.stderr.split("\n").slice(0, 2).join("\n"),
    /^ferry: \d{4}-\S+\+05:30 \S+\/src: there is no such folder; .*\nferry: next run at \d{4}-\S+\+05:30$/,
  );
  Deno.mkdirSync(dir.at("src/sub"), { recursive: true });
  await going.until(() => going.stdout.includes("1 created"));
  assertMatch(going.stdout, /^\+ sub\n\d{4}-\S+ 1 created, /);
  going.kill("SIGINT");
  assertEquals(await going.code(), 130);
});

Deno.test("sync --every -q leaves the summaries", async () => {
  using dir = tempDir({ "src/a": "a" });
  await using going = new Going(["--every", "1s", "-q", dir.at("src"), dir.at("dst")]);
  await going.until(() => going.stdout.includes("\n"));
  going.kill("SIGTERM");
  assertEquals(await going.code(), 143);
  assertMatch(going.stdout, /^\d{4}-\S+ 1 created, /);
});

Deno.test("sync --every ends when a run shows that it is used wrongly", async () => {
  using dir = tempDir({ "src/a": "a", "dst": "a file" });
  const { code, stderr } = await ferry(["sync", "--every", "1s", dir.at("src"), dir.at("dst")]);
  assertEquals(code, 2);
  assert(stderr.includes("dst is a file"), stderr);
});

for (const [signals, name] of [[["SIGTERM"], "once"], [["SIGTERM", "SIGTERM"], "twice"]] as const) {
  Deno.test(`sync --every that hears SIGTERM ${name} in a run ends with 143`, async () => {
    using dir = tempDir({ "src": null, "dst/old": "" });
    for (let i = 0; i < 30; i++) Deno.writeFileSync(dir.at(`src/f${i}`), randomBytes(1_500_000));
    await using going = new Going([
      "--every",
      "1h",
      "--json",
      "--bwlimit",
      "3M",
      dir.at("src"),
      dir.at("dst"),
    ]);
    await going.until(() => {
      try {
        return [...Deno.readDirSync(dir.at("dst"))].some(({ name }) => name.startsWith("f"));
      } catch {
        return false;
      }
    });
    for (const signal of signals) going.kill(signal);
    assertEquals([await going.code(), going.stderr], [143, ""]);
    if (signals.length === 1) assertEquals(going.done.map(({ ok, exit }) => [ok, exit]), [[false, 143]]);
    for (const { name, isFile } of Deno.readDirSync(dir.at("dst"))) {
      if (isFile && name !== "old") assertEquals(Deno.statSync(dir.at(`dst/${name}`)).size, 1_500_000, name);
    }
  });
}

Deno.test("sync --every leaves a turn out while another run is at work", async () => {
  using dir = tempDir({ "src": null, "other/a": "a", "dst/old": "" });
  for (let i = 0; i < 20; i++) Deno.writeFileSync(dir.at(`src/f${i}`), randomBytes(1_500_000));
  await using first = new Going(["--json", "--bwlimit", "2M", dir.at("src"), dir.at("dst")]);
  await first.until(() => first.stdout.includes('"create"'));
  await using second = new Going(["--every", "1s", "--json", dir.at("other"), dir.at("dst")]);
  await second.until(() => second.done.length === 1);
  assertEquals(second.done[0].exit, 42);
  await second.until(() => second.stderr.includes("next run at"));
  first.kill("SIGTERM");
  assertEquals(await first.code(), 143);
  await second.until(() => second.done.some(({ exit, created }) => exit === 0 && created === 1));
  second.kill("SIGTERM");
  assertEquals(await second.code(), 143);
});

Deno.test("sync --cron waits for its time, says when that is, and ends at once while it waits", async () => {
  using dir = tempDir({ "src/a": "a" });
  await using going = new Going(["--cron", "0 0 29 2 *", dir.at("src"), dir.at("dst")], {
    TZ: "Europe/Berlin",
  });
  await going.until(() => going.stderr.includes("\n"));
  assertMatch(going.stderr, /^ferry: next run at \d{4}-02-29T00:00:00\+01:00\n$/);
  going.kill("SIGTERM");
  assertEquals([await going.code(), going.stdout], [143, ""]);
});

Deno.test("sync refuses a schedule that it cannot follow, before anything is done", async () => {
  using dir = tempDir({ "src/a": "a" });
  const [src, dst] = [dir.at("src"), dir.at("dst")];
  const cases: [string[], string, string?][] = [
    [["--every", "soon"], "--every soon"],
    [["--every", "0"], "--every"],
    [["--cron", "* * * *"], "--cron * * * *"],
    [["--cron", "0 0 31 4 *"], "there is no such day"],
    [["--every", "1m", "--cron", "* * * * *"], "--every and --cron"],
    [["--every", "1m", "--force"], "--force"],
    [["--cron", "* * * * *"], "TZ=Mars/Base", "Mars/Base"],
    [["--cron", "* * * * *", "--max-delete", "x"], "--max-delete"],
  ];
  for (const [flags, text, tz] of cases) {
    const { code, stderr } = await ferry(["sync", ...flags, src, dst], { env: tz ? { TZ: tz } : {} });
    assertEquals([code, stderr.split("\n").length], [2, 2], stderr);
    assert(stderr.includes(text), stderr);
  }
  const { code } = await ferry(["sync", "--cron", "* * * * *", src, "ftp://h/"]);
  assertEquals(code, 3);
  assertEquals([...Deno.readDirSync(dir.path)].map(({ name }) => name), ["src"]);
});
