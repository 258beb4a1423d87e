import { runProgram } from "./cmd/program.ts";
import { hushRuntime } from "./lib/cli/hush.ts";
import { processIo, type StopReason } from "./lib/cli/io.ts";

const STOPS: readonly StopReason[] = [{ signal: "SIGINT", status: 130 }, { signal: "SIGTERM", status: 143 }];

if (import.meta.main) {
  hushRuntime();
  const stop = new AbortController();
  for (const reason of STOPS) {
    Deno.addSignalListener(reason.signal, () => {
      // The second one does not wait for anybody.
      if (stop.signal.aborted) Deno.exit(reason.status);
      stop.abort(reason);
    });
  }
  Deno.exit(await runProgram(Deno.args, processIo(stop.signal)));
}
