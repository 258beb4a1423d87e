/** What a user gets to know of the answers to one transfer. */
import { FerryError, quote } from "../../core/errors.ts";
import { headText } from "../answer_text.ts";
import type { Answer } from "../exchange.ts";
import { FetchError } from "../fetch_error.ts";
import type { WireAnswer } from "../http1/answer.ts";
import { readErrorBody, statusError } from "../status_answer.ts";
import type { StatusError } from "../status_error.ts";
import type { TransferPlan, TransferTools } from "./transfer_plan.ts";

export class AnswerTeller {
  #headShown = false;

  constructor(
    readonly plan: Pick<TransferPlan, "url" | "headers">,
    readonly tools: Pick<TransferTools, "onHead" | "onErrorBody" | "onNotice">,
  ) {}

  /** Shows the head of the answer that the transfer ends with, or goes on from. */
  head(response: WireAnswer): void {
    if (this.#headShown) return;
    this.#headShown = true;
    this.tools.onHead?.(headText(response));
  }

  /** Some servers keep files compressed, and send them so whatever was asked for. */
  coding({ headers }: WireAnswer): void {
    const coding = headers.get("content-encoding") ?? "identity";
    if (coding === "identity" || this.plan.headers.has("accept-encoding")) return;
    this.tools.onNotice?.(
      `${quote(this.plan.url.href)}: the content comes under ${quote(coding)}, which was not asked for, ` +
        "and is kept as it came",
    );
  }

  /** The server does not go on after the `have` bytes that are there. */
  startingOver({ status }: WireAnswer, have: number): void {
    const why = status === 206
      ? "but sends another part"
      : status === 200
      ? "since its content has changed or it serves no ranges"
      : `but answers ${status}`;
    const url = quote(this.plan.url.href);
    this.tools.onNotice?.(`${url}: the server does not go on after ${have} bytes, ${why}; starting over`);
  }

  /** The error where that cannot be, since the bytes have gone out. */
  brokeOff(have: number): FerryError {
    return new FerryError(
      "partial_transfer",
      `${
        quote(this.plan.url.href)
      }: the transfer broke off after ${have} bytes, and the server does not go ` +
        "on from there (the content has changed, or it serves no ranges)",
    );
  }

  /** The error that an answer of 400 or more is; its body has been shown. */
  async failure(answer: Answer, signal: AbortSignal): Promise<StatusError> {
    this.head(answer.response);
    const body = await readErrorBody(answer, signal);
    this.tools.onErrorBody?.(body);
    return statusError(answer, new TextDecoder().decode(body));
  }
}

/** The error for a 304 to a request without a condition: nothing is here that could be what the server has. */
export function unasked(url: URL): FerryError {
  return new FetchError(
    "protocol",
    `${quote(url.href)}: the server says that nothing has changed (304), unasked`,
    { transient: false, sent: true },
  );
}
