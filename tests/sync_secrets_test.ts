/** What stands in the command line of a sync, for others on the machine to read. */
import { assert, assertEquals } from "@std/assert";
import { ENV, ferryCommand, tempDir } from "./harness.ts";

Deno.test({
  name: "ferry sync keeps tokens and passwords out of the list of processes",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    using dir = tempDir();
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async () => {
      asked.resolve();
      await answer.promise;
      return new Response(null, { status: 403 });
    });
    const url = `http://ann:geheim1@127.0.0.1:${server.addr.port}/x`;
    const { path, args } = ferryCommand(["sync", "--token=geheim2", "--src-token", "geheim3", url, dir.path]);
    const child = new Deno.Command(path, { args, stdin: "null", stdout: "piped", stderr: "piped", env: ENV })
      .spawn();
    await Promise.race([asked.promise, child.status]);
    const line = Deno.readTextFileSync(`/proc/${child.pid}/cmdline`);
    answer.resolve();
    const { code, stderr } = await child.output();
    assertEquals(code, 67, new TextDecoder().decode(stderr));
    assert(
      line.includes(`\0--token=*******\0--src-token\0*******\0${url.replace("geheim1", "*******")}\0`),
      line,
    );
    await server.shutdown();
  },
});
