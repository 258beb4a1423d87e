/** Metrics as Prometheus reads them (text format 0.0.4). Pure. */
import { VERSION } from "../../core/version.ts";
import { BOUNDS, CLASSES, COUNTERS, GAUGES, METHODS } from "./board.ts";

/** The media type of the format. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** What the process says of itself, and what its supervisor knows. */
export interface ServerFacts {
  workers: number;
  /** How often one had to be replaced. */
  workerDeaths: number;
  /** Open connections; null where that cannot be told. */
  connections: number | null;
  /** Whether the last attempt to take new settings or certificates went well, and when one last did, ms since 1970. */
  reload: { ok: boolean; time: number };
  /** When the certificate ends, ms since 1970; null without TLS. */
  certificateEnds: number | null;
  process: { started: number; cpuSeconds: number; residentBytes: number; openFiles: number | null };
}

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [suffix: string, labels: Labels, value: number];

/** The page for `cells`, the sum of all boards. */
export function exposition(cells: Float64Array, facts: ServerFacts): string {
  const { reload, process, connections, certificateEnds } = facts;
  const one = (value: number): Sample[] => [["", {}, value]];
  const page = [
    metric("ferry_build_info", "gauge", "The version that runs.", [["", { version: VERSION }, 1]]),
    metric("ferry_http_requests_total", "counter", "Requests answered.", requests(cells)),
    metric(
      "ferry_http_request_duration_seconds",
      "histogram",
      "From the head of a request to the last byte of its answer.",
      latencies(cells),
    ),
    metric("ferry_http_response_bytes_total", "counter", "Bytes of bodies sent.", one(cells[COUNTERS.sent])),
    metric(
      "ferry_http_request_bytes_total",
      "counter",
      "Bytes of bodies received.",
      one(cells[COUNTERS.received]),
    ),
    metric("ferry_http_requests_in_flight", "gauge", "Requests under way.", one(cells[GAUGES.underWay])),
    connections === null
      ? ""
      : metric("ferry_http_connections", "gauge", "Open connections.", one(connections)),
    metric(
      "ferry_hot_files_hits_total",
      "counter",
      "Requests for small files that were answered from memory.",
      one(cells[COUNTERS.hotHits]),
    ),
    metric(
      "ferry_hot_files_misses_total",
      "counter",
      "Reading requests for which memory had no file.",
      one(cells[COUNTERS.hotMisses]),
    ),
    metric("ferry_hot_files", "gauge", "Small files in memory.", one(cells[GAUGES.hotFiles])),
    metric("ferry_hot_files_bytes", "gauge", "Memory for small files.", one(cells[GAUGES.hotBytes])),
    metric("ferry_sync_sessions", "gauge", "Pushes and jobs under way.", one(cells[GAUGES.pushes])),
    metric("ferry_workers", "gauge", "Workers that answer requests.", one(facts.workers)),
    metric(
      "ferry_worker_deaths_total",
      "counter",
      "Workers that had to be replaced.",
      one(facts.workerDeaths),
    ),
    metric(
      "ferry_config_last_reload_successful",
      "gauge",
      "Whether the last new settings or certificate could be used.",
      one(reload.ok ? 1 : 0),
    ),
    metric(
      "ferry_config_last_reload_success_timestamp_seconds",
      "gauge",
      "Since when the settings and the certificate are in use.",
      one(reload.time / 1000),
    ),
    certificateEnds === null ? "" : metric(
      "ferry_tls_certificate_expiry_timestamp_seconds",
      "gauge",
      "When the certificate ends.",
      one(certificateEnds / 1000),
    ),
    metric("process_start_time_seconds", "gauge", "When the process began.", one(process.started / 1000)),
    metric("process_cpu_seconds_total", "counter", "CPU time, user and system.", one(process.cpuSeconds)),
    metric("process_resident_memory_bytes", "gauge", "Resident memory.", one(process.residentBytes)),
    process.openFiles === null
      ? ""
      : metric("process_open_fds", "gauge", "Open file descriptors.", one(process.openFiles)),
  ];
  return page.join("");
}

/** Those that have been, so that a page is short; GET is always there, so that rates have a beginning. */
function requests(cells: Float64Array): Sample[] {
  return METHODS.flatMap((method, row) =>
    CLASSES.flatMap((code, column): Sample[] => {
      const value = cells[COUNTERS.requests + row * CLASSES.length + column];
      return value > 0 || (method === "GET" && code === "2xx") ? [["", { method, code }, value]] : [];
    })
  );
}

function latencies(cells: Float64Array): Sample[] {
  let below = 0;
  const buckets = [...BOUNDS.map(String), "+Inf"].map((le, index): Sample => {
    below += cells[COUNTERS.latency + index];
    return ["_bucket", { le }, below];
  });
  return [...buckets, ["_sum", {}, cells[COUNTERS.latencySum]], ["_count", {}, below]];
}

function metric(name: string, type: string, help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([suffix, labels, value]) => `${name}${suffix}${labelText(labels)} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

/** Label values here are words of our own; what the format escapes is escaped all the same. */
function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) =>
    `${name}="${value.replace(/[\\"\n]/g, (c) => c === "\n" ? "\\n" : `\\${c}`)}"`
  );
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}
