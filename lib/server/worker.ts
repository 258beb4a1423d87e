/** A worker of a server: does what its supervisor (supervisor.ts) orders, in what the runtime lets it (sandbox.ts). */
import { assertNever, quote } from "../core/errors.ts";
import { packError } from "../core/packed_error.ts";
import type { Handler } from "./handler.ts";
import { handingOver, leavingTo, takingOver } from "./handover.ts";
import { listen, type Listening } from "./listen.ts";
import { LogBuffer } from "./log.ts";
import { Meter } from "./metrics/board.ts";
import { openSite, type Site } from "./site.ts";
import type { RunJob } from "./sync/jobs.ts";
import type { WorkerOrder, WorkerReport } from "./worker_messages.ts";

/** The part of a worker's global scope that this uses. */
export interface WorkerScope {
  onmessage: ((event: MessageEvent<WorkerOrder>) => void) | null;
  postMessage(report: WorkerReport): void;
  addEventListener(type: "unhandledrejection", listener: (event: PromiseRejectionEvent) => void): void;
}

/** Counts that are kept elsewhere are put on the board so often. */
const MEASURE_MS = 1000;

/** Makes `scope` a worker; `runJob` is what the sync API runs jobs with. */
export function serveInWorker(scope: WorkerScope, runJob: RunJob): void {
  const log = new LogBuffer((text) => scope.postMessage({ kind: "log", text }));
  const warn = (message: string) => log.add(`ferry: ${quote(message)}\n`);
  // The last net: a server does not go down with one request.
  scope.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    warn(`unexpected: ${event.reason instanceof Error ? event.reason.stack : event.reason}`);
  });
  let site: Site;
  const opened = Promise.withResolvers<Site>();
  const listening: Listening[] = [];
  let handler: Handler;
  let leaving = false;

  let measuring: ReturnType<typeof setInterval> | undefined;
  /** Those who wait for a page of metrics, by the number of the question. */
  const scrapes = new Map<number, (page: string) => void>();
  let asked = 0;
  const page = () =>
    new Promise<string>((resolve) => {
      measure();
      scrapes.set(++asked, resolve);
      scope.postMessage({ kind: "scrape", id: asked });
    });
  let measure = () => {};

  const alone = Promise.withResolvers<void>();

  async function start(order: Extract<WorkerOrder, { kind: "start" }>): Promise<void> {
    const { settings, role, handover, board } = order;
    if (!order.succeeds) alone.resolve();
    const meter = board === undefined ? undefined : new Meter(board);
    site = await openSite(settings, {
      role,
      runJob,
      meters: order.meters,
      hangUp: (key) => scope.postMessage({ kind: "hang up", key }),
      log: (line) => log.add(line),
      meter: meter && { meter, page },
      alone: alone.promise,
    });
    opened.resolve(site);
    const reads = role === "reader" && handover !== undefined;
    handler = reads ? handingOver(site.handler, handover) : site.handler;
    const { gate } = site;
    const open = listen((request, info) => handler(request, info), settings.place, {
      warn,
      gate,
      tls: settings.tls,
    });
    listening.push(open);
    if (meter !== undefined) {
      measure = () => {
        site.measure();
        meter.set("underWay", open.underWay());
      };
      measuring = setInterval(measure, MEASURE_MS);
    }
    if (role === "primary" && handover !== undefined) {
      listening.push(listen(takingOver(site.handler), { kind: "unix", path: handover }, { warn }));
    }
    scope.postMessage({ kind: "listening", url: open.url, port: open.port });
  }

  async function end(graceMs: number): Promise<void> {
    site.hangUp();
    await Promise.all(listening.map((each) => each.stop(graceMs, { leaving })));
    measure();
    clearInterval(measuring);
    await site.close();
    log.flush();
    scope.postMessage({ kind: "stopped" });
  }

  scope.onmessage = ({ data }) => {
    switch (data.kind) {
      case "start":
        start(data).catch((error) => scope.postMessage({ kind: "failed", error: packError(error) }));
        return;
      case "alone":
        return alone.resolve();
      case "busy":
        return scope.postMessage({ kind: "busy", keys: site.gate.busy() });
      case "admit":
        return site.gate.admit(data.admission);
      case "metrics":
        scrapes.get(data.id)?.(data.page);
        scrapes.delete(data.id);
        return;
      case "accounts":
        opened.promise.then((site) => site.setAccounts(data.accounts)).catch((error) =>
          warn(`the users stay as they were: ${error}`)
        );
        return;
      case "count":
        return scope.postMessage({ kind: "count", pushes: site.pushes() });
      case "retire":
        leaving = true;
        handler = leavingTo(site.handler, data.handover);
        site.retire().finally(() => scope.postMessage({ kind: "retired" }));
        return;
      case "stop":
        end(data.graceMs);
        return;
      default:
        assertNever(data);
    }
  };
}
