/** What a worker of `ferry serve` runs: the server, wired to the sync engine. */
import { hushRuntime } from "../lib/cli/hush.ts";
import { serveInWorker, type WorkerScope } from "../lib/server/worker.ts";

hushRuntime();
serveInWorker(globalThis as unknown as WorkerScope, async (job, tell) => {
  // The engine is loaded with the first job.
  const { runServerJob } = await import("../lib/sync/job.ts");
  await runServerJob(job, tell);
});
