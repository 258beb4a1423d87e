/** Progress of `ferry request`, loaded where it is shown. */
import { type Io, isLive } from "../cli/io.ts";
import { besideProgress, ProgressDisplay } from "../cli/progress_display.ts";
import { TransfersMeter } from "./transfers_meter.ts";

/**
 * Does `work` with progress on stderr, of `total` URLs if that is known; gives its exit status. The `io` that `work`
 * is given leaves room for it.
 */
export async function withProgress(
  io: Io,
  total: number | undefined,
  work: (io: Io, meter: TransfersMeter) => Promise<number>,
): Promise<number> {
  const meter = new TransfersMeter(total);
  const display = new ProgressDisplay({
    write: io.err,
    columns: () => io.columns(),
    rows: () => io.rows(),
    meter,
    live: isLive(io),
  });
  display.start();
  let done = false;
  try {
    const exit = await work(besideProgress(io, display), meter);
    done = exit === 0;
    return exit;
  } finally {
    display.stop(done);
  }
}
