/** Deltas of files on a server, to it and from it, over the sync API. */
import type { Exchange } from "../../client/fetch/watch.ts";
import { FerryError } from "../../core/errors.ts";
import { CHUNKS_TYPE, DELTA_TYPE, MAX_REQUEST_BYTES, REQUEST_TYPE } from "../../wire/delta.ts";
import { MAX_ANSWER_BYTES } from "../../wire/limits.ts";
import { type Outcome, parseOutcomes } from "../../wire/outcome.ts";
import type { DeltaSource, DeltaTarget } from "./ends.ts";
import type { RemoteSession } from "../remote/session.ts";
import type { ServerCalls } from "../remote/calls.ts";

/** The files of the folder that `calls` is about, as a source. */
export function remoteDeltaSource(calls: ServerCalls): DeltaSource {
  return {
    chunks: async (path) => received(calls, await calls.send(`chunks?file=${encodeURIComponent(path)}`)),
    delta: async (path, body) => {
      const init = { method: "POST", headers: { "content-type": REQUEST_TYPE }, body };
      return received(calls, await calls.send(`delta?file=${encodeURIComponent(path)}`, init));
    },
  };
}

/** What `session` pushes to, as a target. */
export function remoteDeltaTarget(calls: ServerCalls, session: RemoteSession): DeltaTarget {
  const send = async (call: string, { method, type, body }: Sent): Promise<Response> => {
    session.check();
    const exchange = calls.begin(true);
    const headers = { "content-type": type };
    return await calls.send(call, { method, headers, body: sent(calls, body, exchange), exchange });
  };
  return {
    match: async (index, { path, chunks, bases, guess }) => {
      const names = [
        `file=${encodeURIComponent(path)}`,
        ...bases.map((base) => `base=${encodeURIComponent(base)}`),
      ];
      const query = [...names, ...(guess ? ["guess=1"] : [])].join("&");
      const call = `delta/${session.id}/${index}?${query}`;
      const response = await send(call, { method: "POST", type: CHUNKS_TYPE, body: chunks });
      const bytes = await calls.answer(response, MAX_REQUEST_BYTES);
      return response.status === 204 ? null : new Uint8Array(bytes);
    },
    assemble: async (index, { answer }): Promise<Outcome> => {
      const call = `delta/${session.id}/${index}`;
      const response = await send(call, { method: "PUT", type: DELTA_TYPE, body: answer });
      const bytes = await calls.answer(response, MAX_ANSWER_BYTES);
      return calls.parse(bytes, (fields) => parseOutcomes(fields, 1))[0];
    },
  };
}

interface Sent {
  method: string;
  type: string;
  body: ReadableStream<Uint8Array>;
}

/** The body of an answer, counted and at its pace. */
function received(calls: ServerCalls, response: Response): ReadableStream<Uint8Array> {
  if (response.body === null) throw new FerryError("protocol", "the server sent nothing");
  const reader = response.body.getReader(), exchange = calls.exchangeOf(response);
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      try {
        exchange?.wait();
        const { value, done } = await reader.read();
        await exchange?.moved(value?.length ?? 0);
        if (done) return controller.close();
        calls.traffic.received += value.length;
        controller.enqueue(value);
      } catch (error) {
        throw calls.bodyError(error);
      }
    },
    cancel: (reason) => {
      exchange?.rest();
      return reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}

/** `body` as it is sent, counted and at the pace of `exchange`. */
function sent(
  calls: ServerCalls,
  body: ReadableStream<Uint8Array>,
  exchange: Exchange,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let rest: Uint8Array = new Uint8Array(0);
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      if (rest.length === 0) {
        exchange.rest();
        const { value, done } = await reader.read();
        if (done) {
          exchange.wait();
          return controller.close();
        }
        rest = value;
      }
      const piece = rest.slice(0, exchange.outPiece(rest.length));
      rest = rest.subarray(piece.length);
      await exchange.sent(piece.length);
      calls.traffic.sent += piece.length;
      exchange.wait();
      controller.enqueue(piece);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}
