/** What one upload that can be gone on with has to do, and what it works with. */
import type { BodySource } from "../body_source.ts";
import type { TransferPlan, TransferTools } from "../transfer/transfer_plan.ts";
import type { UploadRecords } from "./upload_records.ts";

/** A file, and where it goes by `PUT` or its like; `resume` goes on with what an earlier run began. */
export interface UploadPlan extends Pick<TransferPlan, "url" | "headers" | "retries" | "timeout" | "resume"> {
  body: BodySource & { kind: "file" };
}

export interface UploadTools extends
  Pick<
    TransferTools,
    "client" | "stop" | "pace" | "trace" | "facts" | "onRetry" | "onHead" | "onErrorBody"
  > {
  /** Where it is noted that an upload is under way; undefined for nowhere. */
  records?: UploadRecords;
}
