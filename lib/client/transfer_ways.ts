/** The ways in which what one URL asks for can come about, and which of them it is. */
import { formatSha256 } from "../http/digest.ts";
import { PartFile } from "./parts/part_file.ts";
import type { RequestClients } from "./request_clients.ts";
import { readWhole, type Sending } from "./request_input.ts";
import type { RequestSettings } from "./request_settings.ts";
import type { SegmentedTransfer } from "./segments/segmented_transfer.ts";
import { parseTarget } from "./target.ts";
import { Transfer } from "./transfer/transfer.ts";
import type { TransferPlan, TransferTools } from "./transfer/transfer_plan.ts";
import type { ResumableUpload } from "./upload/resumable_upload.ts";

/** Smaller files are sent again as fast as a server is asked how much it has. */
const RESUMABLE_BYTES = 8 * 1024 * 1024;

export class TransferWays {
  /** Those that take uploads by `PUT` alone. */
  readonly #plainOrigins = new Set<string>();

  constructor(
    readonly settings: Pick<RequestSettings, "segments" | "mirrors" | "uploadsFolder">,
    readonly clients: RequestClients,
  ) {}

  /** The way for `plan`; `anyWay` says that an upload may go as it likes. */
  async of(
    plan: TransferPlan & Pick<Sending, "anyWay">,
    tools: TransferTools,
  ): Promise<Transfer | SegmentedTransfer | ResumableUpload> {
    return await this.#upload(plan, tools) ?? await this.#segmented(plan, tools) ?? new Transfer(plan, tools);
  }

  /** The upload of a large file that can be gone on with; null where there is none, or the server has no such thing. */
  async #upload(
    plan: TransferPlan & Pick<Sending, "anyWay">,
    tools: TransferTools,
  ): Promise<ResumableUpload | null> {
    const { url, body, fail, sha256, anyWay } = plan;
    if (!anyWay || body.kind !== "file" || body.size < RESUMABLE_BYTES) return null;
    // What is about the body of the answer needs one.
    if (!fail || sha256 !== undefined || tools.sink instanceof PartFile) return null;
    if (this.#plainOrigins.has(url.origin)) return null;
    const { ResumableUpload } = await import("./upload/resumable_upload.ts");
    const { UploadRecords } = await import("./upload/upload_records.ts");
    const folder = await this.settings.uploadsFolder();
    const records = folder === undefined ? undefined : new UploadRecords(folder);
    const upload = new ResumableUpload({ ...plan, body }, { ...tools, records });
    if (!upload.isNamed) return null;
    const possible = await upload.isPossible();
    if (possible === false) this.#plainOrigins.add(url.origin);
    return possible ? upload : null;
  }

  /** The download in segments, where it is to be one. */
  async #segmented(plan: TransferPlan, tools: TransferTools): Promise<SegmentedTransfer | null> {
    const { segments, mirrors } = this.settings;
    if ((segments === 1 && mirrors.length === 0) || plan.method !== "GET" || plan.headers.has("range")) {
      return null;
    }
    const { SegmentedTransfer } = await import("./segments/segmented_transfer.ts");
    const others = mirrors.map((target) => {
      const { url, user } = parseTarget(target);
      return { url, client: this.clients.for(url, user, { foreign: url.origin !== plan.url.origin }) };
    });
    return new SegmentedTransfer({ ...plan, segments, mirrors: others }, tools);
  }
}

/** The headers of the request; an upload that fits into memory says what it has to be (RFC 9530). */
export async function headersOf({ headers, body, anyWay }: Sending): Promise<Headers> {
  const known = ["content-digest", "repr-digest", "content-encoding"].some((name) => headers.has(name));
  if (!anyWay || known || body.kind !== "file" || body.size >= RESUMABLE_BYTES) return headers;
  const digest = await crypto.subtle.digest("SHA-256", readWhole(body.path));
  const told = new Headers(headers);
  told.set("content-digest", formatSha256(btoa(String.fromCharCode(...new Uint8Array(digest)))));
  return told;
}
