/** The limits that `ferry serve` was told of. */
import type { Limits } from "../lib/server/limits/limits.ts";

/** The flags that bound what clients may take. */
export interface LimitFlags {
  "header-timeout": number;
  "body-timeout": number;
  "min-rate": number;
  "idle-timeout": number;
  "max-connections": number;
  "client-connections": number | undefined;
  "client-requests": number;
  "limit-rate": number;
  "client-limit-rate": number;
  "trusted-proxy": string[];
}

/** The limits that they spell. */
export function limitsOf(flags: LimitFlags): Limits {
  return {
    headerTimeout: flags["header-timeout"],
    bodyTimeout: flags["body-timeout"],
    minRate: flags["min-rate"],
    idleTimeout: flags["idle-timeout"],
    maxConnections: flags["max-connections"],
    clientConnections: flags["client-connections"],
    clientRequests: flags["client-requests"],
    limitRate: flags["limit-rate"],
    clientLimitRate: flags["client-limit-rate"],
    trustedProxies: flags["trusted-proxy"],
  };
}
