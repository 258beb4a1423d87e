/** Keeps one request with a token to the uses and bytes that the token gives. */
import { FerryError } from "../core/errors.ts";
import { problemContent, problemHeaders, problemResponse } from "../http/problem.ts";
import { FileBody } from "./file_body.ts";
import type { Grant } from "./grant.ts";
import type { Reply } from "./reply.ts";
import type { TokenLedger } from "./token_ledger.ts";

/** Where a length is not known, so many bytes are taken at a time: each time is a write to the ledger. */
const LUMP = 1024 * 1024;

/** What a request is answered with that would need more. */
const USED_UP = { status: 403, detail: "the bytes that this token gives are used up", code: "forbidden" };

/** One request with a token that has limits. What is under way when the server dies counts as used. */
export class TokenMeter {
  readonly #grant: Grant;
  readonly #ledger: TokenLedger;
  readonly #up: Account | null = null;
  readonly #down: Account | null = null;
  #useGiven = false;
  /** Whether the reply is as long as it turns out to be. */
  #unbounded = false;

  /** Takes a use. Throws `forbidden` when none is left. */
  constructor(grant: Grant, ledger: TokenLedger) {
    this.#grant = grant;
    this.#ledger = ledger;
    const { id, expires, uses, bytes } = grant;
    if (uses !== undefined && !ledger.takeUse({ id, expires, uses })) {
      throw new FerryError("forbidden", "the uses that this token gives are used up");
    }
    if (bytes === undefined) return;
    this.#up = new Account({ id, expires, bytes }, ledger);
    this.#down = new Account({ id, expires, bytes }, ledger);
  }

  /** `request` with a body that is counted as it is read. Throws `forbidden` when it is known to be too much. */
  request(request: Request): Request {
    const up = this.#up;
    if (up === null || request.body === null) return request;
    const length = request.headers.get("content-length");
    if (length !== null && /^\d{1,15}$/.test(length) && !up.reserve(Number(length))) {
      throw new FerryError("forbidden", USED_UP.detail);
    }
    return withBody(request, counted(request.body, up));
  }

  /** `reply` to `method`, or what is answered when it would be too much. */
  reply(reply: Reply, method: string): Reply {
    this.#answered(reply.status);
    if (this.#down === null || reply.status >= 400) return reply;
    const length = lengthOf(reply, method);
    if (length === null) this.#unbounded = true;
    if (length === null || this.#down.reserve(length)) return reply;
    if (reply.body instanceof FileBody) reply.body.close();
    const { type, body } = problemContent(USED_UP, null);
    return { status: USED_UP.status, headers: problemHeaders(type), body };
  }

  /** So many bytes of the reply went out; the rest is given back. */
  sent(bytes: number): void {
    if (!this.#unbounded) this.#down?.settle(bytes);
  }

  /** `response`, made of what `reply` gave; what has no length is counted as it is sent. */
  streamed(response: Response): Response {
    const { body, status, headers } = response;
    if (!this.#unbounded || this.#down === null || body === null) return response;
    return new Response(counted(body, this.#down), { status, headers });
  }

  /** The same for a Response that somebody else made. */
  response(response: Response, request: Pick<Request, "method" | "headers">): Response {
    const { status, headers, body } = response;
    this.#answered(status);
    const down = this.#down;
    if (down === null || status >= 400 || body === null || request.method === "HEAD") return response;
    const length = headers.get("content-length");
    if (length === null) return new Response(counted(body, down), { status, headers });
    if (down.reserve(Number(length))) {
      down.settle(Number(length));
      return response;
    }
    body.cancel().catch(() => {});
    return problemResponse(USED_UP, request.headers.get("accept"));
  }

  /** Nothing of the request is read any more, and a request that was refused was no use. */
  #answered(status: number): void {
    this.#up?.close();
    if (status < 400 || status >= 500 || this.#grant.uses === undefined || this.#useGiven) return;
    this.#useGiven = true;
    this.#ledger.giveUse(this.#grant.id);
  }
}

/** The bytes of one direction: taken from the ledger before they pass. */
class Account {
  #taken = 0;
  #used = 0;

  constructor(
    readonly grant: Pick<Grant, "id" | "expires"> & { bytes: number },
    readonly ledger: TokenLedger,
  ) {}

  /** Takes `count` for what is to come; false when there are not so many. */
  reserve(count: number): boolean {
    if (!this.ledger.takeBytes(this.grant, count)) return false;
    this.#taken += count;
    return true;
  }

  /** Uses `count`; false when there are not so many. */
  use(count: number): boolean {
    const lacking = this.#used + count - this.#taken;
    if (lacking > 0 && !this.reserve(Math.max(lacking, LUMP)) && !this.reserve(lacking)) return false;
    this.#used += count;
    return true;
  }

  /** `count` of what was reserved were used, and no more will be. */
  settle(count: number): void {
    this.#used += count;
    this.close();
  }

  /** Gives back what was not used. */
  close(): void {
    const left = this.#taken - this.#used;
    this.#taken = this.#used;
    this.ledger.giveBytes(this.grant.id, left);
  }
}

/** `body`, which breaks off where `account` has no more. */
function counted(
  body: ReadableStream<Uint8Array>,
  account: Account,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader();
  return new ReadableStream({
    async pull(controller) {
      try {
        const { value, done } = await reader.read();
        if (done) {
          account.close();
          return controller.close();
        }
        if (!account.use(value.length)) throw new FerryError("forbidden", USED_UP.detail);
        controller.enqueue(value as Uint8Array<ArrayBuffer>);
      } catch (error) {
        account.close();
        reader.cancel(error).catch(() => {});
        controller.error(error);
      }
    },
    async cancel(reason) {
      account.close();
      await reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}

/** `request` with another body. Its URL stays raw, which a new Request would not leave it. */
function withBody(request: Request, body: ReadableStream<Uint8Array<ArrayBuffer>>): Request {
  return new Proxy(request, {
    get(target, name) {
      if (name === "body") return body;
      if (typeof name === "string" && ["arrayBuffer", "blob", "bytes", "json", "text"].includes(name)) {
        return () => new Response(body)[name as "text"]();
      }
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** The bytes that will be sent; null where that is not known yet. */
function lengthOf({ body }: Reply, method: string): number | null {
  if (body === null || method === "HEAD") return 0;
  return typeof body === "string" ? new TextEncoder().encode(body).length : body.length;
}
