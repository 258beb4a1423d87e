import { assertEquals } from "@std/assert";
import type { Io } from "./io.ts";
import { besideProgress, type Meter, ProgressDisplay } from "./progress_display.ts";

function display(frames: string[][], options: { live: boolean; columns?: () => number; last?: string[] }) {
  const written: string[] = [];
  const meter: Meter = {
    lines: () => frames.shift()!,
    plain: () => frames.shift()!.join(" "),
    last: options.last && (() => options.last!),
  };
  const shown = new ProgressDisplay({
    write: (text) => written.push(text),
    columns: options.columns ?? (() => 80),
    rows: () => 24,
    meter,
    live: options.live,
  });
  return { shown, written };
}

Deno.test("ProgressDisplay draws over its own lines in one write, and takes them away for others", () => {
  const { shown, written } = display([["a", "b"], ["c", "d"], ["e"], ["f"]], { live: true });
  shown.clear();
  assertEquals(written, []);
  for (const time of [0, 200, 400]) shown.show(time);
  shown.clear();
  shown.clear();
  shown.show(600);
  shown.stop();
  assertEquals(written, [
    "\ra\x1b[K\n\rb\x1b[K",
    "\x1b[1A\rc\x1b[K\n\rd\x1b[K",
    "\x1b[1A\re\x1b[K\x1b[J",
    "\r\x1b[J",
    "\rf\x1b[K",
    "\r\x1b[J",
  ]);
});

Deno.test("ProgressDisplay finds its first line again when the terminal became narrower", () => {
  let columns = 80;
  const wide = "x".repeat(50);
  const { shown, written } = display([[wide, wide], ["a", "b"]], { live: true, columns: () => columns });
  shown.show(0);
  columns = 20;
  shown.show(200);
  assertEquals(written[1], "\x1b[5A\ra\x1b[K\n\rb\x1b[K\x1b[J");
});

Deno.test("ProgressDisplay leaves its last lines when all is done, and was seen", () => {
  const seen = display([["a"]], { live: true, last: ["all", "done"] });
  seen.shown.show(0);
  seen.shown.stop(true);
  assertEquals(seen.written, ["\ra\x1b[K", "\r\x1b[J", "all\ndone\n"]);
  const failed = display([["a"]], { live: true, last: ["all", "done"] });
  failed.shown.show(0);
  failed.shown.stop();
  assertEquals(failed.written, ["\ra\x1b[K", "\r\x1b[J"]);
  const quick = display([], { live: true, last: ["all", "done"] });
  quick.shown.start();
  quick.shown.stop(true);
  assertEquals(quick.written, []);
});

Deno.test("ProgressDisplay writes plain lines without a terminal, the last one at the end", () => {
  const { shown, written } = display([["a", "b"]], { live: false });
  shown.start();
  shown.clear();
  shown.stop(true);
  assertEquals(written, ["ferry: a b\n"]);
});

Deno.test("besideProgress() lets lines through above, and ends it when a body goes to the terminal", () => {
  const { shown, written } = display([["a"], ["b"], ["c"]], { live: true });
  const io = {
    out: (text: string) => written.push(`out ${text}`),
    err: (text: string) => written.push(`err ${text}`),
    write: (bytes: Uint8Array) => written.push(`write ${bytes.length}`),
    stdoutIsTerminal: true,
    stderrIsTerminal: true,
  } as unknown as Io;
  const beside = besideProgress(io, shown);
  shown.show(0);
  beside.err("x\n");
  shown.show(200);
  beside.out("y\n");
  shown.show(400);
  beside.write(new Uint8Array(3));
  shown.stop(true);
  const clear = "\r\x1b[J";
  assertEquals(written, [
    "\ra\x1b[K",
    clear,
    "err x\n",
    "\rb\x1b[K",
    clear,
    "out y\n",
    "\rc\x1b[K",
    clear,
    "write 3",
  ]);
});
