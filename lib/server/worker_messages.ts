/** What a supervisor and its workers tell each other. */
import type { PackedError } from "../core/packed_error.ts";
import type { Accounts } from "./authenticate.ts";
import type { Role } from "./sandbox.ts";
import type { Admission } from "./guard/guard.ts";
import type { SharedMeters } from "./limits/clients.ts";
import type { ServerSettings } from "./settings.ts";

/** To a worker. */
export type WorkerOrder =
  /**
   * The first one: what to be. `handover` is the socket between readers and the primary, where there is one. One that `succeeds` another
   * leaves the sync API alone until it is `alone`.
   */
  | {
    kind: "start";
    settings: ServerSettings;
    role: Role;
    handover?: string;
    succeeds: boolean;
    meters: SharedMeters;
    board?: SharedArrayBuffer;
  }
  /** The answer to `scrape`. */
  | { kind: "metrics"; id: number; page: string }
  /** These are who may come in from now on. */
  | { kind: "accounts"; accounts: Accounts }
  /** Nobody else has the sync API of the share. */
  | { kind: "alone" }
  /** Say on which connections requests are under way. */
  | { kind: "busy" }
  /** Whom to let in; null for everybody. */
  | { kind: "admit"; admission: Admission | null }
  /** Say how many pushes are under way. */
  | { kind: "count" }
  /** Others answer from now on: give up the sync API, and let the primary behind `handover` answer what is asked here. */
  | { kind: "retire"; handover: string }
  /** Take no new connections, and end when the requests under way are answered, `graceMs` at most. */
  | { kind: "stop"; graceMs: number };

/** From a worker. */
export type WorkerReport =
  /** A connection would be answered now. */
  | { kind: "listening"; url: string; port: number | null }
  /** It cannot start. */
  | { kind: "failed"; error: PackedError }
  /** Lines for the log. */
  | { kind: "log"; text: string }
  /** Somebody asks for the metrics of the whole server. */
  | { kind: "scrape"; id: number }
  | { kind: "count"; pushes: number }
  | { kind: "busy"; keys: string[] }
  /** All has been said on this connection. */
  | { kind: "hang up"; key: string }
  | { kind: "retired" }
  /** It has stopped. */
  | { kind: "stopped" };
