/** The calls of the sync API that write: contents into the stage, then operations that put them in place. */
import { FerryError } from "../../core/errors.ts";
import { checkedPath, childPath } from "../../core/paths.ts";
import { parseLeftRequest } from "../../wire/left.ts";
import { MAX_PACK_BYTES, SMALL_FILE_BYTES } from "../../wire/limits.ts";
import { type CommitRequest, type Operation, parseCommitRequest } from "../../wire/operation.ts";
import type { Outcome } from "../../wire/outcome.ts";
import { type FileFrame, readPack } from "../../wire/pack.ts";
import { openStreamed } from "../../wire/stream.ts";
import type { Perm } from "../access.ts";
import {
  type Call,
  existingFolder,
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
import { answerOnce, type PushSession } from "./push_session.ts";
import type { PushSessions } from "./sessions.ts";

/** Answers to the calls that write; `session` is what the path names. Each throws FerryErrors for refusals. */
export interface SyncWrites {
  staged(call: Call, session: string): Response;
  stage(call: Call, session: string): Promise<Response>;
  stageOne(call: Call, session: string, number: string): Promise<Response>;
  left(call: Call, session: string): Promise<Response>;
  commit(call: Call, session: string): Promise<Response>;
}

/** The calls that write, into `sessions`. */
export function createSyncWrites(sessions: PushSessions): SyncWrites {
  function inSession<T>(call: Call, session: string, work: (held: PushSession) => Promise<T>): Promise<T> {
    const first = call.query.get("first") === "1";
    return sessions.use(session, sessionOwner(call), () => madeFolder(call), work, { first });
  }

  function stage(call: Call, session: string): Promise<Response> {
    require(call, "w", call.base);
    return inSession(call, session, async (held) => {
      const frames: FileFrame[] = [];
      let paths: string[] | undefined;
      const body = await readBody(call, MAX_PACK_BYTES);
      for (const frame of readPack(body, (told) => paths = told)) {
        // A checksum that does not fit, or a problem where content was due: the sender has to know at once.
        if (frame.kind === "problem") {
          throw new FerryError("bad_request", `file ${frame.index} of the pack: ${frame.message}`);
        }
        frames.push(frame);
      }
      const places = placesOf(frames, paths);
      return outcomes(
        places === undefined
          ? await writing(() => held.writer.stage(frames))
          : await stageNamed(held, frames, places),
      );
    });
  }

  function stageOne(call: Call, session: string, number: string): Promise<Response> {
    require(call, "w", call.base);
    const index = stageNumber(number);
    const body = streamedBody(call, "the content");
    const file = call.query.get("file");
    const path = file === null ? undefined : checkedPath(file);
    const offset = queryBytes(call, "offset") ?? 0;
    return inSession(call, session, async ({ writer, named }) => {
      named.forget(index);
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

  async function left(call: Call, session: string): Promise<Response> {
    require(call, "w", call.base);
    const files = parseLeftRequest(await readMessage(call));
    return await inSession(call, session, async (held) => {
      const frames: FileFrame[] = [];
      const paths: string[] = [];
      const results = files.map((file): Outcome => {
        const content = file.size > SMALL_FILE_BYTES ? null : held.leftovers.take(file.path, file);
        if (content === null) return { code: "missing", message: "nothing is left of it" };
        paths.push(file.path);
        frames.push({ kind: "file", index: file.stage, mtime: file.mtime, mode: file.mode, content });
        return null;
      });
      const done = await stageNamed(held, frames, paths);
      let next = 0;
      return outcomes(results.map((result) => result ?? done[next++]));
    });
  }

  async function stageNamed(
    { writer, named }: PushSession,
    frames: readonly FileFrame[],
    paths: readonly string[],
  ) {
    named.makeRoom(frames.length);
    const done = await writing(() => writer.stage(frames, paths));
    named.staged(frames, paths, done);
    return done;
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
    return await inSession(call, session, async (held) => {
      return outcomes(await answerOnce(held, key, () => doAll(call, held, operations)));
    });
  }

  async function doAll(
    call: Call,
    { writer, named }: PushSession,
    asked: CommitRequest["operations"],
  ): Promise<Outcome[]> {
    const operations = named.expand(asked);
    const locked = call.locks?.any ? call.locks.refusals(existingFolder(call, "w"), operations) : undefined;
    const results: Outcome[] = operations.map((operation, at) =>
      refused(call, operation) ?? locked?.[at] ?? null
    );
    const allowed = operations.filter((_, index) => results[index] === null);
    const done = await writing(() => writer.commit(allowed));
    named.done(operations);
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

  return { staged, stage, stageOne, left, commit };
}

/** Where the files of a pack are to come, if it says so. Throws `bad_request` unless it says so of each. */
function placesOf(frames: readonly FileFrame[], paths: readonly string[] | undefined) {
  if (paths === undefined || paths.length === frames.length) return paths;
  throw new FerryError("bad_request", `${paths.length} paths for ${frames.length} files`);
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
