/** The server's side of the sync API (docs/protocol.md): `/.ferry/v1/...`. */
import { FerryError, osReason } from "../core/errors.ts";
import { checkedPath, childPath, parentPath } from "../core/paths.ts";
import { VERSION } from "../core/version.ts";
import { BufferPool } from "../store/buffers.ts";
import { openContent, readOutcome, readSmall } from "../store/read.ts";
import { locate, StrictPaths } from "../store/root.ts";
import { MAX_MESSAGE_BYTES, MAX_PACK_BYTES, PACK_BYTES, PROTOCOL } from "../wire/limits.ts";
import {
  type Info,
  type Operation,
  type Outcome,
  parseCommitRequest,
  parseObject,
  parsePackRequest,
} from "../wire/messages.ts";
import { type FileFrame, PACK_TYPE, PackBuilder, readPack } from "../wire/pack.ts";
import { openStreamed, streamContent } from "../wire/stream.ts";
import { TREE_TYPE } from "../wire/tree.ts";
import type { Access, Perm } from "./access.ts";
import type { SyncApi as SyncHandler } from "./handler.ts";
import { keepAnswer, PushSessions } from "./sync_sessions.ts";
import { streamTree } from "./sync_tree.ts";

export interface SyncApi {
  /** Answers one call. Throws FerryErrors for refusals. */
  handle: SyncHandler;
  /** Drops every push under way. */
  close(): Promise<void>;
}

/** One call, with the folder of the share that it is about. */
interface Call {
  request: Request;
  query: URLSearchParams;
  access: Access;
  /** The folder, as a path of the share. */
  base: string;
  completed: Promise<void> | undefined;
}

/** The API for the share at `root`, a real path. */
export function createSyncApi(root: string): SyncApi {
  const sessions = new PushSessions(root);

  const buffers = new BufferPool();
  /** Packs being put together. */
  let busy = 0;

  async function handle(
    request: Request,
    { path: call, access, completed }: Parameters<SyncHandler>[1],
  ): Promise<Response> {
    const mark = request.url.indexOf("?");
    const query = new URLSearchParams(mark === -1 ? "" : request.url.slice(mark + 1));
    const base = checkedPath((query.get("path") ?? "").replace(/^\/|\/$/g, ""));
    const [name, ...rest] = call.split("/");
    const context = { request, query, access, base, completed };
    switch (`${request.method} ${name}/${rest.length}`) {
      case "GET info/0":
        return info(context);
      case "GET tree/0":
        return tree(context);
      case "POST pack/0":
        return await pack(context);
      case "GET file/0":
        return file(context);
      case "PUT stage/1":
        return await stage(context, rest[0]);
      case "PUT stage/2":
        return await stageOne(context, rest[0], rest[1]);
      case "POST commit/1":
        return await commit(context, rest[0]);
      case "DELETE stage/1":
        await sessions.end(rest[0], owner(context));
        return new Response(null, { status: 204 });
      default:
        throw new FerryError(
          "not_found",
          `there is no ${request.method} ${call} in version ${PROTOCOL} of the sync API`,
        );
    }
  }

  function info({ access, base }: Call): Response {
    const permissions = (["r", "w", "d", "s"] as const).filter((perm) => access.can(perm, base)).join("");
    if (permissions === "") require({ access, base }, "r", base);
    const found = locate(root, base).info;
    const kind = found === null ? "absent" : found.isDirectory ? "dir" : "file";
    return json({ ferry: VERSION, protocol: PROTOCOL, kind, permissions } satisfies Info);
  }

  function tree(call: Call): Response {
    const { access, base, query } = call;
    require(call, "r", base);
    const folder = existingFolder(call, "r");
    // With no rule below, the folder's own permission speaks for all that is in it.
    const visible = access.canDeep("r", base)
      ? undefined
      : (path: string) => access.can("r", childPath(base, path));
    const body = streamTree(folder, {
      visible,
      checksum: query.get("checksum") === "1",
      busy: () => busy > 0,
    });
    return new Response(body, { headers: { "content-type": TREE_TYPE } });
  }

  async function pack(call: Call): Promise<Response> {
    busy++;
    try {
      return await readPackFiles(call);
    } finally {
      busy--;
    }
  }

  async function readPackFiles(call: Call): Promise<Response> {
    require(call, "r", call.base);
    const { files } = parsePackRequest(parseObject(await readBody(call.request, MAX_MESSAGE_BYTES)));
    const paths = new StrictPaths(existingFolder(call, "r"));
    const builder = new PackBuilder(buffers.take(PACK_BYTES + 512 * 1024));
    files.forEach((path, index) => {
      if (!call.access.can("r", childPath(call.base, path))) {
        return builder.addProblem(index, "forbidden", "this user may not read it");
      }
      if (builder.length > MAX_PACK_BYTES / 2) {
        return builder.addProblem(index, "changed", "the pack became too large");
      }
      try {
        const meta = readSmall(paths, path, (size) => builder.contentBuffer(size));
        builder.finishFile({ index, ...meta });
      } catch (error) {
        const { code, message } = readOutcome(error);
        builder.addProblem(index, code, message);
      }
    });
    const bytes = builder.finish();
    // Left to the collector, the packs of a fast client would pile up to a hundred MB.
    const giveBack = () => buffers.give(bytes.buffer);
    call.completed?.then(giveBack, giveBack);
    return packResponse(bytes);
  }

  function file(call: Call): Response {
    const path = checkedPath(call.query.get("file") ?? "");
    if (path === "") throw new FerryError("bad_request", "which file? It is named by the query's `file`");
    require(call, "r", childPath(call.base, path));
    const content = openContent(new StrictPaths(existingFolder(call, "r")), path);
    if (content.kind === "content") {
      return new Response(streamContent(content, 0), { headers: { "content-type": PACK_TYPE } });
    }
    const builder = new PackBuilder(new ArrayBuffer(4096));
    builder.addProblem(0, content.code, content.message);
    return packResponse(builder.finish());
  }

  function owner({ access, base }: Call): string {
    return JSON.stringify([access.user, base]);
  }

  function stage(call: Call, session: string): Promise<Response> {
    require(call, "w", call.base);
    return sessions.use(session, owner(call), () => madeFolder(call), async ({ writer }) => {
      const frames: FileFrame[] = [];
      for (const frame of readPack(await readBody(call.request, MAX_PACK_BYTES))) {
        // A digest that does not fit, or a problem where content was due: the sender has to know at once.
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
    const index = /^\d{1,10}$/.test(number) ? Number(number) : NaN;
    if (!(index < 2 ** 32)) throw new FerryError("bad_request", "a staged file is called by a whole number");
    const { body } = call.request;
    if (body === null) throw new FerryError("bad_request", "the content is missing");
    return sessions.use(session, owner(call), () => madeFolder(call), async ({ writer }) => {
      try {
        const content = await openStreamed(body);
        if (content.kind === "problem") return outcomes([{ code: content.code, message: content.message }]);
        using open = content;
        return outcomes([await writing(() => writer.stageContent(index, open))]);
      } catch (error) {
        // The client has gone, or gave up a file that shrank under its hands.
        throw error instanceof FerryError ? error : new FerryError("bad_request", "the body broke off");
      }
    });
  }

  async function commit(call: Call, session: string): Promise<Response> {
    require(call, "w", call.base);
    const { key, operations } = parseCommitRequest(
      parseObject(await readBody(call.request, MAX_MESSAGE_BYTES)),
    );
    return await sessions.use(session, owner(call), () => madeFolder(call), async (held) => {
      const known = held.answers.get(key);
      if (known) return outcomes(known);
      const results: Outcome[] = operations.map((operation) => refused(call, operation));
      const allowed = operations.filter((_, index) => results[index] === null);
      const done = await writing(() => held.writer.commit(allowed));
      let next = 0;
      const answer = results.map((result) => result ?? done[next++]);
      keepAnswer(held, key, answer);
      return outcomes(answer);
    });
  }

  function refused({ access, base }: Call, operation: Operation): Outcome {
    const perm: Perm = operation.op === "delete" ? "d" : "w";
    if (access.can(perm, childPath(base, operation.path))) return null;
    return { code: "forbidden", message: access.denial(perm).detail };
  }

  /** The real folder of the call. A link may lead to it, but only to where `perm` holds as well. */
  function existingFolder(call: Call, perm: Perm): string {
    const { real, info } = locate(root, call.base);
    if (info === null) throw new FerryError("not_found", "there is no such folder");
    if (!info.isDirectory) throw new FerryError("conflict", "this is a file; name a folder");
    const inner = root === "/" ? real.slice(1) : real.slice(root.length + 1);
    if (inner !== call.base) require(call, perm, inner);
    return real;
  }

  /** The same for a destination, made with its parents when it is not there. */
  function madeFolder(call: Call): string {
    const missing: string[] = [];
    for (let path = call.base; locate(root, path).info === null; path = parentPath(path)) {
      missing.unshift(path);
    }
    for (const path of missing) {
      const { real } = locate(root, path);
      try {
        Deno.mkdirSync(real);
      } catch (error) {
        if (!(error instanceof Deno.errors.AlreadyExists)) {
          throw new FerryError("write_failed", `cannot make the folder: ${osReason(error)}`);
        }
      }
    }
    return existingFolder(call, "w");
  }

  return { handle, close: () => sessions.close() };
}

/** Throws `unauthorized` or `forbidden` unless `perm` holds at `path` of the share. */
function require({ access }: Pick<Call, "access" | "base">, perm: Perm, path: string): void {
  if (access.can(perm, path)) return;
  const { status, detail } = access.denial(perm);
  throw new FerryError(status === 401 ? "unauthorized" : "forbidden", detail);
}

/** Does `work`; a message about the server's disk goes out without the server's paths. */
async function writing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof FerryError)) throw error;
    if (error.code === "disk_full") {
      throw new FerryError("disk_full", "no space left on the server", { cause: error });
    }
    if (error.code === "write_failed") {
      const reason = error.message.slice(error.message.lastIndexOf(": ") + 2);
      throw new FerryError("write_failed", `the server cannot write into the folder: ${reason}`, {
        cause: error,
      });
    }
    throw error;
  }
}

/** The body of a request of at most `max` bytes. Throws `too_large`; `bad_request` when it breaks off. */
async function readBody(request: Request, max: number): Promise<Uint8Array> {
  const declared = request.headers.get("content-length");
  // A length makes HTTP bound the body before a byte of it is kept.
  if (declared === null) throw new FerryError("bad_request", "this call needs a Content-Length");
  if (Number(declared) > max) throw new FerryError("too_large", `this call takes at most ${max} bytes`);
  try {
    return new Uint8Array(await request.arrayBuffer());
  } catch (error) {
    throw new FerryError("bad_request", "the body broke off", { cause: error });
  }
}

/** A pack as an answer; with its length, which HTTP would else learn only at the end. */
function packResponse(pack: Uint8Array<ArrayBuffer>): Response {
  return new Response(pack, {
    headers: { "content-type": PACK_TYPE, "content-length": String(pack.length) },
  });
}

function json(value: unknown): Response {
  const body = new TextEncoder().encode(JSON.stringify(value));
  return new Response(body, {
    headers: { "content-type": "application/json", "content-length": String(body.length) },
  });
}

function outcomes(list: Outcome[]): Response {
  return json({ outcomes: list });
}
