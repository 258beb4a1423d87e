/** A worker of a server that does what it should not, to see what happens then. */
import { Inotify } from "../lib/store/index/inotify.ts";
import { libc } from "../lib/store/libc.ts";
import { openSite } from "../lib/server/site.ts";
import { listen } from "../lib/server/listen.ts";
import type { WorkerOrder } from "../lib/server/worker_messages.ts";

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<WorkerOrder>) => void;
  postMessage(report: unknown): void;
};

scope.onmessage = async ({ data }) => {
  if (data.kind === "stop") return scope.postMessage({ kind: "stopped" });
  if (data.kind !== "start") return;
  const { settings, role, meters } = data;
  const runJob = () => Promise.reject(new Error("no jobs here"));
  const site = await openSite(settings, {
    role,
    runJob,
    meters,
    hangUp: () => {},
    log: () => {},
    alone: Promise.resolve(),
  });
  const open = listen(
    (request, info) => {
      const url = new URL(request.url);
      if (url.pathname === "/die") {
        setTimeout(() => {
          throw new Error("told to die");
        });
      }
      if (url.pathname !== "/try") return site.handler(request, info);
      return new Response(tried(url.searchParams.get("what") ?? "", url.searchParams.get("path") ?? ""));
    },
    settings.place,
    { warn: () => {} },
  );
  scope.postMessage({ kind: "listening", url: open.url, port: open.port });
};

/** What the runtime says to a deed. */
function tried(what: string, path: string): string {
  try {
    switch (what) {
      case "read":
        return `did ${Deno.readTextFileSync(path).length}`;
      case "list":
        return `did ${[...Deno.readDirSync(path)].length}`;
      case "write":
        Deno.writeTextFileSync(path, "x");
        return "did";
      case "run":
        new Deno.Command("/bin/true").outputSync();
        return "did";
      case "env":
        return `did ${Deno.env.get("HOME")}`;
      case "connect":
        Deno.listen({ port: 0, hostname: "0.0.0.0" }).close();
        return "did";
      case "dlopen":
        Deno.dlopen(path, {});
        return "did";
      case "watch": {
        using inotify = Inotify.open();
        return `did ${inotify?.add(path)}`;
      }
      case "missing":
        return `did ${libc()?.isMissing(path)}`;
      default:
        return "what?";
    }
  } catch (error) {
    return (error as Error).name;
  }
}
