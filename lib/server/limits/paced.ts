/** Bodies, of answers and of requests, held to a rate. */
import { sleep } from "../../client/pace.ts";

/** Counts bytes that have moved, and gives the milliseconds after which they were due. */
export type Debt = (bytes: number) => number;

/** Rates that a body is held to, all of them. */
export class Pacer {
  readonly #debts: readonly Debt[];

  /** Bodies go in pieces of at most `piece` bytes. */
  constructor(debts: readonly Debt[], readonly piece: number) {
    this.#debts = debts;
  }

  /** Waits until `bytes` more are due. */
  async take(bytes: number): Promise<void> {
    const ms = Math.max(...this.#debts.map((debt) => debt(bytes)));
    if (ms >= 1) await sleep(ms);
  }
}

const LARGEST_PIECE = 64 * 1024;
const SMALLEST_PIECE = 1024;

/** A size for pieces so small that a rate in bytes a second holds from one eighth of a second to the next. */
export function pieceSize(rate: number): number {
  return Math.max(SMALLEST_PIECE, Math.min(LARGEST_PIECE, Math.ceil(rate / 8)));
}

const pacers = new WeakMap<ReadableStream<Uint8Array>, Pacer>();

/** Has whoever reads the body of a request (patient_body.ts) keep to `pacer`. */
export function holdBody(body: ReadableStream<Uint8Array>, pacer: Pacer): void {
  pacers.set(body, pacer);
}

/** What the body of a request is held to. */
export function pacerOf(body: ReadableStream<Uint8Array>): Pacer | undefined {
  return pacers.get(body);
}

/** `response` with a body that goes out at the rate of `pacer`; one that is small goes as a whole, when it is due. */
export async function pacedResponse(response: Response, pacer: Pacer): Promise<Response> {
  const { body, status, headers } = response;
  if (body === null) return response;
  const length = headers.get("content-length");
  if (length !== null && Number(length) <= pacer.piece) {
    await pacer.take(Number(length));
    return response;
  }
  return new Response(pacedStream(body, pacer), { status, headers });
}

/** `body` in pieces, each of them when it is due. */
function pacedStream(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  pacer: Pacer,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader();
  let rest = new Uint8Array(0);
  return new ReadableStream({
    async pull(controller) {
      while (rest.length === 0) {
        const { value, done } = await reader.read();
        if (done) return controller.close();
        rest = value;
      }
      const piece = rest.subarray(0, pacer.piece);
      await pacer.take(piece.length);
      rest = rest.subarray(piece.length);
      controller.enqueue(piece);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}
