import { type Fields, integer, malformed, text } from "./fields.ts";
import { isId } from "./head.ts";

/** What `GET info` answers: who is there and what may be done. */
export interface Info {
  /** The version of the program. */
  ferry: string;
  /** The version of the API. */
  protocol: number;
  /** What the path holds; `absent` is fine for a destination. */
  kind: "dir" | "file" | "absent";
  /** The permissions at the path, letters of `rwds`. */
  permissions: string;
  /** What tells the share from all others, where it is a replica. */
  share?: string;
  /** Whether the share was a replica and bears no mark of that any more, as if its disk were not there. */
  vanished?: boolean;
  /** Whether the caller may start a job here that reads the source that was asked about. */
  jobs?: boolean;
}

/** The answer of `info`, of whatever version. Throws `protocol`. */
export function parseInfo(fields: Fields): Info {
  const kind = text(fields, "kind", 10);
  if (kind !== "dir" && kind !== "file" && kind !== "absent") {
    throw malformed(`"kind" is ${JSON.stringify(kind)}`);
  }
  return {
    ferry: text(fields, "ferry", 100),
    protocol: integer(fields, "protocol"),
    kind,
    permissions: text(fields, "permissions", 10),
    ...(isId(fields.share) ? { share: fields.share } : {}),
    ...(fields.vanished === true ? { vanished: true } : {}),
    ...(typeof fields.jobs === "boolean" ? { jobs: fields.jobs } : {}),
  };
}
