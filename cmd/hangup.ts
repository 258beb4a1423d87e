/** SIGHUP: a wish for new settings, or the end of the terminal that a program runs in. */
import type { Io } from "../lib/cli/io.ts";

/** Calls `reload` on SIGHUP, or `end` where the terminal has gone. Dispose of it to stop that. */
export function onHangup(io: Io, { reload, end }: { reload: () => void; end: () => void }): Disposable {
  // One that has gone is none any more.
  const { stderrIsTerminal } = io;
  const listener = () => {
    if (stderrIsTerminal && !hasTerminal()) end();
    else reload();
  };
  Deno.addSignalListener("SIGHUP", listener);
  return { [Symbol.dispose]: () => Deno.removeSignalListener("SIGHUP", listener) };
}

/** A session whose terminal was closed has none any more. */
function hasTerminal(): boolean {
  try {
    Deno.openSync("/dev/tty").close();
    return true;
  } catch {
    return false;
  }
}
