import { type ErrorCode, FerryError } from "../core/errors.ts";

/** An answer of 400 or more, as the error that ends a request. */
export class StatusError extends FerryError {
  /** `code` where the body says more than the status. */
  constructor(readonly status: number, message: string, readonly retryAfter?: number, code?: ErrorCode) {
    super(
      code ?? (status === 401 ? "unauthorized" : status === 403 ? "forbidden" : "http_status"),
      message,
    );
  }
}
