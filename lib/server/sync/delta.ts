/** The calls of the sync API that carry deltas (docs/protocol.md, "Delta"). */
import { FerryError } from "../../core/errors.ts";
import { checkedPath, childPath } from "../../core/paths.ts";
import { sendChunks, sendDelta } from "../../store/delta/send.ts";
import { StrictPaths } from "../../store/root.ts";
import { CHUNKS_TYPE, DELTA_TYPE, MAX_BASES, MAX_REQUEST_BYTES, REQUEST_TYPE } from "../../wire/delta.ts";
import { parseRequest } from "../../wire/delta_request.ts";
import {
  type Call,
  existingFolder,
  json,
  madeFolder,
  readBody,
  require,
  sessionOwner,
  stageNumber,
  streamedBody,
  writing,
} from "./call.ts";
import type { PushSessions } from "./sessions.ts";
import { Slots } from "../slots.ts";

/** Deltas that are computed at a time: each has a table of up to 30 MB. */
const MAX_DELTAS = 3;

/** Whoever waits longer for its turn is told to fetch the whole file. */
const WAIT_MS = 5000;

/** Answers to the calls that carry deltas. Each throws FerryErrors for refusals. */
export interface SyncDeltas {
  chunks(call: Call): Response;
  delta(call: Call): Promise<Response>;
  match(call: Call, session: string, number: string): Promise<Response>;
  assemble(call: Call, session: string, number: string): Promise<Response>;
}

/** The calls that carry deltas, with the memory that they share. */
export function createSyncDeltas(sessions: PushSessions): SyncDeltas {
  const slots = new Slots(MAX_DELTAS, WAIT_MS);

  function chunks(call: Call): Response {
    const file = readable(call);
    const body = sendChunks(new StrictPaths(existingFolder(call, "r")), file);
    return new Response(body, { headers: { "content-type": CHUNKS_TYPE } });
  }

  async function delta(call: Call): Promise<Response> {
    const file = readable(call);
    const paths = new StrictPaths(existingFolder(call, "r"));
    const bytes = await readBody(call, MAX_REQUEST_BYTES);
    const release = await slots.take();
    try {
      const body = sendDelta({ paths, path: file }, parseRequest(bytes), release);
      return new Response(body, { headers: { "content-type": DELTA_TYPE } });
    } catch (error) {
      release();
      throw error;
    }
  }

  function match(call: Call, session: string, number: string): Promise<Response> {
    require(call, "w", call.base);
    const index = stageNumber(number);
    const path = named(call.query.get("file") ?? "");
    const bases = call.query.getAll("base").map((base) => named(base));
    if (bases.length > MAX_BASES) throw new FerryError("bad_request", `at most ${MAX_BASES} bases`);
    // What the answer says about old content is for those who may read it.
    for (const base of bases) require(call, "r", childPath(call.base, base));
    const guess = call.query.get("guess") === "1";
    const body = streamedBody(call, "the list of chunks");
    return sessions.use(session, sessionOwner(call), () => madeFolder(call), async ({ writer }) => {
      const request = await received(() => writer.delta.match(index, { path, chunks: body, bases, guess }));
      if (request === null) return new Response(null, { status: 204 });
      const length = String(request.length);
      return new Response(request, { headers: { "content-type": REQUEST_TYPE, "content-length": length } });
    });
  }

  function assemble(call: Call, session: string, number: string): Promise<Response> {
    require(call, "w", call.base);
    const index = stageNumber(number);
    const body = streamedBody(call, "the delta");
    return sessions.use(session, sessionOwner(call), () => madeFolder(call), async ({ writer }) => {
      const outcome = await received(() => writing(() => writer.delta.assemble(index, { answer: body })));
      return json({ outcomes: [outcome] });
    });
  }

  return { chunks, delta, match, assemble };
}

/** The file that the query names, which this user may read. */
function readable(call: Call): string {
  const file = named(call.query.get("file") ?? "");
  require(call, "r", childPath(call.base, file));
  return file;
}

function named(text: string): string {
  const path = checkedPath(text);
  if (path === "") throw new FerryError("bad_request", "which file? It is named in the query");
  return path;
}

/** Does `work` with a body of the client's; one that breaks off is the client's doing. */
async function received<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof FerryError ? error : new FerryError("bad_request", "the body broke off");
  }
}
