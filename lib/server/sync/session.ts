/** The calls of the sync API that begin a push, say that its client is still there, and end it. */
import { MAX_HOLDER_BYTES } from "../../wire/limits.ts";
import { parseObject } from "../../wire/fields.ts";
import { parseSessionRequest } from "../../wire/session.ts";
import { type Call, folderOf, json, readBody, require, sessionOwner, writing } from "./call.ts";
import type { PushSessions } from "./sessions.ts";

/** How often the answer that stays open says that the server is there; proxies give up after a minute. */
const HEARTBEAT_MS = 10_000;

const HEARTBEAT = new TextEncoder().encode("\n");

/** Answers to the calls about a whole push; `session` is what the path names. Each throws FerryErrors for refusals. */
export interface SyncSessions {
  begin(call: Call, session: string): Promise<Response>;
  touch(call: Call, session: string): Response;
  finish(call: Call, session: string): Promise<Response>;
  end(call: Call, session: string): Promise<Response>;
}

/** The calls about pushes, kept in `sessions`. */
export function createSyncSessions(sessions: PushSessions): SyncSessions {
  async function begin(call: Call, session: string): Promise<Response> {
    require(call, "w", call.base);
    const body = parseObject(await readBody(call, MAX_HOLDER_BYTES));
    const start = { owner: sessionOwner(call), folder: folderOf(call), ...parseSessionRequest(body) };
    const open = openAnswer();
    const { detach, answer } = await writing(() => sessions.begin(session, start, open.close)).catch(
      (error) => {
        open.close();
        throw error;
      },
    );
    open.onGone(detach);
    open.send(new TextEncoder().encode(JSON.stringify(answer) + "\n"));
    // A proxy that gathers an answer before it hands it on would keep all of this to itself.
    const headers = { "content-type": "application/x-ndjson", "x-accel-buffering": "no" };
    return new Response(open.body, { headers });
  }

  function touch(call: Call, session: string): Response {
    sessions.touch(session, sessionOwner(call));
    return new Response(null, { status: 204 });
  }

  async function finish(call: Call, session: string): Promise<Response> {
    require(call, "w", call.base);
    return json({ problems: await writing(() => sessions.finish(session, sessionOwner(call))) });
  }

  async function end(call: Call, session: string): Promise<Response> {
    const broken = call.query.get("broken") === "1";
    await sessions.end(session, sessionOwner(call), { broken });
    return new Response(null, { status: 204 });
  }

  return { begin, touch, finish, end };
}

/** A body that stays open and now and then says that it does. */
function openAnswer() {
  let controller: ReadableStreamDefaultController<Uint8Array>;
  let gone = () => {};
  let closed = false;
  const beat = setInterval(() => controller.enqueue(HEARTBEAT), HEARTBEAT_MS);
  const body = new ReadableStream<Uint8Array>({
    start: (given) => void (controller = given),
    cancel: () => {
      closed = true;
      clearInterval(beat);
      gone();
    },
  });
  const close = () => {
    clearInterval(beat);
    if (!closed) controller.close();
    closed = true;
  };
  return {
    body,
    close,
    send: (bytes: Uint8Array) => closed || controller.enqueue(bytes),
    onGone: (tell: () => void) => void (gone = tell),
  };
}
