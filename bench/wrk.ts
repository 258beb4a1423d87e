/** wrk: requests over connections that stay open, as fast as they are answered. */
import { runWell } from "./process.ts";
import { Skipped } from "./works/work.ts";

/** What one run of wrk said. */
export interface WrkReport {
  requestsPerSecond: number;
  /** Of answers, heads included. */
  bytesPerSecond: number;
}

/** Seconds of one run. */
const SECONDS = 5;

/** Asks for `url` over `connections` for some seconds; `script` is the path of a Lua script. Throws when a request fails. */
export async function wrk(
  url: string,
  options: { connections: number; hurried: boolean; script?: string },
): Promise<WrkReport> {
  const args = ["-t1", `-c${options.connections}`, `-d${options.hurried ? 1 : SECONDS}s`];
  if (options.script !== undefined) args.push("-s", options.script);
  const { stdout } = await runWell({ path: "wrk", args: [...args, url] });
  return parseReport(stdout);
}

/** Leaves a work out where wrk is not installed. */
export function needWrk(bench: { wrk: boolean }): void {
  if (!bench.wrk) throw new Skipped("wrk is not installed");
}

/**
 * Reads what wrk prints at its end; throws when some requests failed.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const report = "Requests/sec:  57000.50\nTransfer/sec:     10.00MB\n";
 * assertEquals(parseReport(report), { requestsPerSecond: 57000.5, bytesPerSecond: 10 * 1024 * 1024 });
 * ```
 */
export function parseReport(report: string): WrkReport {
  const trouble = /^\s*(Socket errors:.*|Non-2xx or 3xx responses:.*)$/m.exec(report);
  if (trouble) throw new Error(`wrk: ${trouble[1]}`);
  const requests = /^Requests\/sec:\s+([\d.]+)/m.exec(report);
  const bytes = /^Transfer\/sec:\s+([\d.]+)([KMGT]?)B/m.exec(report);
  if (!requests || !bytes) throw new Error(`wrk said nothing of requests: ${report}`);
  const unit = 1024 ** " KMGT".indexOf(bytes[2] || " ");
  return { requestsPerSecond: Number(requests[1]), bytesPerSecond: Number(bytes[1]) * unit };
}

/**
 * A Lua script that asks for `PREFIX0` to `PREFIX(count-1)`, each once in a random order that is the same each time,
 * and then again.
 */
export function randomOrderScript(prefix: string, count: number): string {
  return `local requests, order, at = {}, {}, 0
function init(args)
  math.randomseed(42)
  for i = 1, ${count} do order[i] = i - 1 end
  for i = ${count}, 2, -1 do
    local j = math.random(i)
    order[i], order[j] = order[j], order[i]
  end
  for i = 1, ${count} do requests[i] = wrk.format("GET", "${prefix}" .. order[i]) end
end
function request()
  at = at % ${count} + 1
  return requests[at]
end
`;
}
