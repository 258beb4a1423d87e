import { assertEquals } from "@std/assert";
import { PortListeners } from "./port_listeners.ts";

// The C library stays open, which Deno 2.4 minds.
const options = { sanitizeResources: false };

Deno.test(
  "who connects once new listeners are there comes to them, and nobody is lost",
  options,
  async () => {
    const served = { one: 0, two: 0, three: 0, four: 0 };
    const serve = (port: number, name: keyof typeof served) => {
      const server = Deno.serve({ hostname: "127.0.0.1", port, reusePort: true, onListen() {} }, () => {
        served[name]++;
        return new Response(name);
      });
      // One that is closed from outside says so.
      server.finished.catch(() => {});
      return server;
    };
    const one = serve(0, "one");
    const { port } = one.addr;
    const servers = [one, serve(port, "two")];
    const listeners = PortListeners.open(port)!;
    const ask = async (times: number) => {
      for (let i = 0; i < times; i++) {
        const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: "close" } });
        await answer.text();
      }
    };
    await ask(40);
    // Each comes to either by chance: of forty, none to one of them once in 500 billion runs.
    assertEquals([served.one > 0, served.two > 0], [true, true]);
    const former = listeners.all();
    assertEquals(former.length, 2);
    servers.push(serve(port, "three"), serve(port, "four"));
    const before = served.one + served.two;
    const closed = listeners.giveWay(former);
    await ask(60);
    assertEquals(served.one + served.two, before);
    assertEquals(listeners.all().length, 4);
    await closed;
    assertEquals(listeners.all().length, 2);
    await ask(60);
    assertEquals([served.one + served.two, served.three > 0, served.four > 0], [before, true, true]);
    assertEquals(served.three + served.four, 120);
    await Promise.all(servers.map((server) => server.shutdown().catch(() => {})));
  },
);
