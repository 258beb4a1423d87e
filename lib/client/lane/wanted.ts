import type { Job } from "../jobs/job.ts";
import type { RequestFields } from "../http1/request.ts";

/** A small file that is wanted, as far as the lane knows. */
export interface Wanted {
  job: Job;
  url: URL;
  /** Where it goes. */
  path: string;
  fields: RequestFields;
  /** As packs call it, where it waits for one. */
  inPack?: string;
  /** When it was taken up, in ms. */
  begun: number;
  /** What the server said of it, where the job wants to know. */
  said?: { lastModified?: number; etag?: string | null };
  /** The time that the file gets, in ms. */
  mtime?: number;
}

/** The answer to one: its status, and its whole body. Good until the callee returns. */
export interface Delivered {
  status: number;
  /** What the server says of it, which few want to know. */
  field(name: "last-modified" | "etag"): string | null;
  body: Uint8Array<ArrayBuffer>;
  /** The memory of the body is the callee's now. */
  given?: boolean;
}
