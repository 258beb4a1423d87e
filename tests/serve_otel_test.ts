/** Traces of `ferry serve`, which the runtime makes and sends by OTLP: a receiver gets them from the workers too. */
import { assert, assertEquals } from "@std/assert";
import { serve, tempDir } from "./harness.ts";

interface Span {
  traceId: string;
  name: string;
  kind: number;
  attributes: { key: string; value: { stringValue?: string; intValue?: string | number } }[];
}

Deno.test({
  name: "serve sends a span for each request where OTEL_DENO is set, as a part of the client's trace",
  // A binary has it only if it was compiled with OTEL_DENO=true.
  ignore: Deno.env.get("FERRY_BIN") !== undefined,
  async fn() {
    const spans: Span[] = [];
    let arrived = () => {};
    const receiver = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
      const body = await request.json();
      for (const { scopeSpans } of body.resourceSpans ?? []) {
        for (const scope of scopeSpans) spans.push(...scope.spans);
      }
      arrived();
      return Response.json({});
    });
    const env = {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${receiver.addr.port}`,
      OTEL_BSP_SCHEDULE_DELAY: "50",
      OTEL_SERVICE_NAME: "ferry",
    };
    using dir = tempDir({ "f": "x" });
    {
      await using server = await serve(dir.path, ["--log", "none"], env);
      const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
      for (const path of ["/f", "/nothing"]) {
        await (await fetch(server.url + path, { headers: { traceparent } })).body?.cancel();
      }
      const end = Date.now() + 20_000;
      while (spans.filter(({ kind }) => kind === 2).length < 2) {
        assert(Date.now() < end, `only ${JSON.stringify(spans)}`);
        await Promise.race([
          new Promise<void>((done) => arrived = done),
          new Promise((done) => setTimeout(done, 200)),
        ]);
      }
    }
    const served = spans.filter(({ kind }) => kind === 2);
    assertEquals(served.map(({ name, traceId }) => `${name} ${traceId}`), [
      "GET 0af7651916cd43dd8448eb211c80319c",
      "GET 0af7651916cd43dd8448eb211c80319c",
    ]);
    const statuses = served.map(({ attributes }) => {
      const { value } = attributes.find(({ key }) => key === "http.response.status_code")!;
      return Number(value.intValue ?? value.stringValue);
    });
    assertEquals(statuses.toSorted(), [200, 404]);
    await receiver.shutdown();
  },
});
