import { assert, assertEquals, assertRejects } from "@std/assert";
import { FerryError } from "../core/errors.ts";
import { type Patience, patientBody } from "./patient_body.ts";

const SHORT: Patience = { silence: 40, window: 60_000, leastRate: 100 };

/** A stream of HTTP's kind that gives `pieces` and then neither bytes nor its end; `cancelled` says whether it was. */
function silentAfter(...pieces: string[]) {
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({
    type: "bytes",
    pull(controller) {
      const piece = pieces.shift();
      if (piece === undefined) return new Promise(() => {});
      controller.enqueue(new TextEncoder().encode(piece));
    },
    cancel: () => void (cancelled = true),
  });
  return { body, cancelled: () => cancelled };
}

Deno.test("patientBody() gives what comes, to readers of both kinds", async () => {
  const whole = new Uint8Array(300_001);
  const stream = (type?: "bytes") =>
    new ReadableStream<Uint8Array>({
      type: type as "bytes",
      start(controller) {
        if (type === undefined) controller.enqueue(new Uint8Array());
        controller.enqueue(whole.slice(0, 299_000));
        controller.enqueue(whole.slice(299_000));
        controller.close();
      },
    });
  const cases = [["byob", "bytes"], ["byob", undefined], [undefined, "bytes"], [
    undefined,
    undefined,
  ]] as const;
  for (const [mode, type] of cases) {
    const body = stream(type);
    const patient = patientBody(body, SHORT);
    let bytes = 0;
    if (mode === undefined) { for await (const piece of patient) bytes += piece.length; }
    else {
      const reader = patient.getReader({ mode });
      for (let memory = new ArrayBuffer(100_000);;) {
        const { value, done } = await reader.read(new Uint8Array(memory));
        if (done || value === undefined) break;
        bytes += value.length;
        memory = value.buffer;
      }
    }
    assertEquals([mode, type, bytes], [mode, type, 300_001]);
  }
});

Deno.test("patientBody() fails with timeout when nothing comes any more, and lets go of what it read from", async () => {
  const { body, cancelled } = silentAfter("begun");
  const reader = patientBody(body, SHORT).getReader();
  assertEquals((await reader.read()).value?.length, 5);
  const error = await assertRejects(() => reader.read(), FerryError, "not a byte came for 40 ms");
  assertEquals([error.code, cancelled()], ["timeout", true]);
});

Deno.test("patientBody() fails with timeout when bytes come, but hardly any", async () => {
  const drip = new ReadableStream<Uint8Array>({
    type: "bytes",
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      controller.enqueue(new Uint8Array(1));
    },
  });
  const reader = patientBody(drip, { silence: 60_000, window: 50, leastRate: 1_000_000 }).getReader();
  const error = await assertRejects(
    async () => {
      while (!(await reader.read()).done);
    },
    FerryError,
    "only",
  );
  assertEquals(error.code, "timeout");
});

Deno.test("patientBody() counts no time in which nobody reads, and ends with what it reads from", async () => {
  const { body, cancelled } = silentAfter("one", "two");
  const reader = patientBody(body, SHORT).getReader();
  await reader.read();
  await new Promise((resolve) => setTimeout(resolve, 2 * SHORT.silence));
  assertEquals((await reader.read()).value?.length, 3);
  await reader.cancel();
  assert(cancelled());
});
