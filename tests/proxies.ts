/** Proxies of others, started for a test: tinyproxy (HTTP) and microsocks (SOCKS 5). */
import { type RunningProgram, startProgram } from "./programs.ts";

/** Who may use it. */
export interface ProxyUser {
  user: string;
  password: string;
}

/** A proxy by HTTP. */
export function tinyproxy(who?: ProxyUser): Promise<RunningProgram> {
  return startProgram("tinyproxy", (port, dir) => {
    const lines = [
      `Port ${port}`,
      "Listen 127.0.0.1",
      "Timeout 60",
      `LogFile "${dir}/log"`,
      "LogLevel Error",
      "MaxClients 20",
      ...(who === undefined ? [] : [`BasicAuth ${who.user} ${who.password}`]),
    ];
    Deno.writeTextFileSync(`${dir}/conf`, lines.join("\n") + "\n");
    return ["-d", "-c", `${dir}/conf`];
  });
}

/** A proxy by SOCKS 5. */
export function microsocks(who?: ProxyUser): Promise<RunningProgram> {
  return startProgram("microsocks", (port) => [
    "-i",
    "127.0.0.1",
    "-p",
    String(port),
    ...(who === undefined ? [] : ["-u", who.user, "-P", who.password]),
  ]);
}
