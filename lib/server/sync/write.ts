/** The calls of the sync API that write: contents into the stage, then operations that put them in place. */
import { FerryError } from "../../core/errors.ts";
import { checkedPath, childPath } from "../../core/paths.ts";
import { MAX_PACK_BYTES } from "../../wire/limits.ts";
import { type Operation, parseCommitRequest } from "../../wire/operation.ts";
import type { Outcome } from "../../wire/outcome.ts";
import { type FileFrame, readPack } from "../../wire/pack.ts";
import { openStreamed } from "../../wire/stream.ts";
import type { Perm } from "../access.ts";
import {
  type Call,
  json,
  madeFolder,
  queryBytes,
  queryNumber,
  readBody,
  readMessage,
  require,
  sessionOwner,
  stageNumber,
  streamedBody,
  writing,
} from "./call.ts";
import { answerOnce, type PushSession, type PushSessions } from "./sessions.ts";

/** Answers to the calls that write; `session` is what the path names. Each throws FerryErrors for refusals. */
export interface SyncWrites {
  staged(call: Call, session: string): Response;
  stage(call: Call, session: string): Promise<Response>;
  stageOne(call: Call, session: string, number: string): Promise<Response>;
  commit(call: Call, session: string): Promise<Response>;
}

/** The calls that write, into `sessions`. */
export function createSyncWrites(sessions: PushSessions): SyncWrites {
  function stage(call: Call, session: string): Promise<Response> {
    require(call, "w", call.base);
    return sessions.use(session, sessionOwner(call), () => madeFolder(call), async ({ writer }) => {
      const frames: FileFrame[] = [];
      for (const frame of readPack(await readBody(call, MAX_PACK_BYTES))) {
        // A checksum that does not fit, or a problem where content was due: the sender has to know at once.
        if (frame.kind === "problem") {
          throw new FerryError("bad_request", `file ${frame.index} of the pack: ${frame.message}`);
        }
        frames.push(frame);
      }
      return outcomes(await writing(() => writer.stage(frames)));
    });
  }

  function stageOne(call: Call, session: string, number: string): Promise<Response> {
    require(call, "w", call.base);
    const index = stageNumber(number);
    const body = streamedBody(call, "the content");
    const file = call.query.get("file");
    const path = file === null ? undefined : checkedPath(file);
    const offset = queryBytes(call, "offset") ?? 0;
    return sessions.use(session, sessionOwner(call), () => madeFolder(call), async ({ writer }) => {
      try {
        const content = await openStreamed(body, { offset });
        if (content.kind === "problem") return outcomes([{ code: content.code, message: content.message }]);
        using open = content;
        return outcomes([await writing(() => writer.stageContent(index, open, path))]);
      } catch (error) {
        // The client has gone, or gave up a file that shrank under its hands.
        throw error instanceof FerryError ? error : new FerryError("bad_request", "the body broke off");
      }
    });
  }

  function staged(call: Call, session: string): Response {
    require(call, "w", call.base);
    const [size, mtime] = [queryBytes(call, "size"), queryNumber(call, "mtime")];
    if (size === undefined || mtime === undefined) {
      throw new FerryError("bad_request", "which version of the file? Its size and mtime are missing");
    }
    const version = { path: checkedPath(call.query.get("file") ?? ""), size, mtime };
    return json({ have: sessions.resumable(session, sessionOwner(call), version) });
  }

  async function commit(call: Call, session: string): Promise<Response> {
    require(call, "w", call.base);
    const { key, operations } = parseCommitRequest(await readMessage(call));
    return await sessions.use(session, sessionOwner(call), () => madeFolder(call), async (held) => {
      return outcomes(await answerOnce(held, key, () => doAll(call, held, operations)));
    });
  }

  async function doAll(call: Call, { writer }: PushSession, operations: Operation[]): Promise<Outcome[]> {
    const results: Outcome[] = operations.map((operation) => refused(call, operation));
    const allowed = operations.filter((_, index) => results[index] === null);
    const done = await writing(() => writer.commit(allowed));
    let next = 0;
    return results.map((result) => result ?? done[next++]);
  }

  function refused({ access, base }: Call, operation: Operation): Outcome {
    for (const [perm, path, deep] of demands(operation)) {
      const full = childPath(base, path);
      if (deep ? access.canDeep(perm, full) : access.can(perm, full)) continue;
      return { code: "forbidden", message: access.denial(perm).detail };
    }
    return null;
  }

  return { staged, stage, stageOne, commit };
}

function outcomes(list: Outcome[]): Response {
  return json({ outcomes: list });
}

/** The permissions that an operation needs; `deep` where they must hold for all that lies below too. */
function demands(operation: Operation): [perm: Perm, path: string, deep?: boolean][] {
  const { path } = operation;
  switch (operation.op) {
    case "delete":
      return [["d", path]];
    case "keep":
      // What may not be read must not come to where it may.
      return [["r", path]];
    case "move": {
      const { from, expectFrom } = operation;
      const deep = expectFrom.kind === "dir";
      return [["r", from, deep], ["d", from, deep], ["w", path, deep]];
    }
    default:
      return [["w", path]];
  }
}
