import { PATIENCE } from "../patient_body.ts";

/** What clients are held to, as plain data. Times in milliseconds, rates a second; 0 is always for no limit. */
export interface Limits {
  /** For the head of a request. */
  headerTimeout: number;
  /** For a body of which nothing moves, in either direction. */
  bodyTimeout: number;
  /** Bytes: fewer than this, over `bodyTimeout`, and a body is ended. */
  minRate: number;
  /** For a connection between two requests. */
  idleTimeout: number;
  maxConnections: number;
  /** Absent for half of `maxConnections`, and any number from this machine. */
  clientConnections?: number;
  /** Requests. */
  clientRequests: number;
  /** Bytes of bodies, of all clients together. */
  limitRate: number;
  /** Bytes of bodies. */
  clientLimitRate: number;
  /** Addresses and networks of proxies whose word about their clients is taken; `unix` for all who use a socket. */
  trustedProxies: readonly string[];
}

/** What holds where nothing is said. */
export const DEFAULT_LIMITS: Limits = {
  headerTimeout: 30_000,
  bodyTimeout: PATIENCE.silence,
  minRate: PATIENCE.leastRate,
  idleTimeout: 75_000,
  maxConnections: 10_000,
  clientRequests: 0,
  limitRate: 0,
  clientLimitRate: 0,
  trustedProxies: [],
};

/** One client may have so many requests at once, in seconds of its rate. */
export const BURST_SECONDS = 5;
