import { FerryError } from "../core/errors.ts";

/** An answer of 400 or more, as the error that ends a request. */
export class StatusError extends FerryError {
  constructor(readonly status: number, message: string, readonly retryAfter?: number) {
    super(status === 401 ? "unauthorized" : status === 403 ? "forbidden" : "http_status", message);
  }
}
