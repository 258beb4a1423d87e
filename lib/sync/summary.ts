/** What a run did, in numbers. */

/** What a run did; for a dry run, what it would have done. */
export interface Summary {
  created: number;
  updated: number;
  deleted: number;
  moved: number;
  conflicts: number;
  problems: number;
  /** Regular files in the source. */
  files: number;
  bytes_content: number;
  bytes_sent: number;
  bytes_received: number;
  ms: number;
}

/** The summary of a run that has done nothing yet. */
export function newSummary(): Summary {
  return {
    created: 0,
    updated: 0,
    deleted: 0,
    moved: 0,
    conflicts: 0,
    problems: 0,
    files: 0,
    bytes_content: 0,
    bytes_sent: 0,
    bytes_received: 0,
    ms: 0,
  };
}

/** What of a summary counts each kind of change. */
export const DONE_AS = { create: "created", update: "updated", delete: "deleted", move: "moved" } as const;
