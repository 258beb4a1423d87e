import { FetchError } from "./fetch_error.ts";

/**
 * Sees whether a connection (and with https a TLS handshake) to `url` comes about within `ms`; throws `timeout` when
 * it does not. `fetch` has no such limit of its own, so this makes a connection just to see; whatever else goes
 * wrong is left for the real request to report.
 */
export async function probeConnection(url: URL, ms: number): Promise<void> {
  const hostname = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port) || (url.protocol === "https:" ? 443 : 80);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<"late">((resolve) => timer = setTimeout(() => resolve("late"), ms));
  const attempt = connectOnce(hostname, port, url.protocol === "https:").then(() => "done", () => "failed");
  const first = await Promise.race([attempt, late]);
  clearTimeout(timer);
  if (first === "late") {
    const message = `no connection to ${url.host} within ${ms} ms (--connect-timeout)`;
    throw new FetchError("timeout", message, { transient: true, sent: false });
  }
}

async function connectOnce(hostname: string, port: number, tls: boolean): Promise<void> {
  if (!tls) return (await Deno.connect({ hostname, port })).close();
  const connection = await Deno.connectTls({ hostname, port });
  try {
    await connection.handshake();
  } finally {
    connection.close();
  }
}

/** Whether the environment sends requests to `url` through a proxy, so that a direct probe would say nothing. */
export function usesProxy(url: URL, env: (name: string) => string | undefined): boolean {
  const names = url.protocol === "https:" ? ["https_proxy", "all_proxy"] : ["http_proxy", "all_proxy"];
  return names.some((name) => Boolean(env(name) || env(name.toUpperCase())));
}
