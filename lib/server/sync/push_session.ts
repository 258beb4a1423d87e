/** A push that writes: where what it sends goes, and what it was told. */
import { isEmptyFolder } from "../../store/root.ts";
import { careFor, type Safety } from "../../store/write/care.ts";
import { FirstCopyWriter } from "../../store/write/first_copy.ts";
import type { Leftovers } from "../../store/write/leftovers.ts";
import { LocalWriter } from "../../store/write/local_writer.ts";
import type { Partials } from "../../store/write/partials.ts";
import type { Stage } from "../../store/write/stage.ts";
import type { Outcome } from "../../wire/outcome.ts";
import type { SessionOptions } from "../../wire/session.ts";
import { NamedFiles } from "./named_files.ts";

/** Answers kept for a commit that is sent again. */
const KEPT_ANSWERS = 16;

/** A push that writes. */
export interface PushSession {
  writer: LocalWriter | FirstCopyWriter;
  /** What is staged under the paths that it is for. */
  named: NamedFiles;
  /** What an earlier push into the folder left of a first copy. */
  leftovers: Leftovers;
  /** The answers to the last commits, by key. */
  answers: Map<string, Promise<Outcome[]>>;
}

/** What a push has by then. */
export interface PushParts {
  stage: Stage;
  partials: Partials;
  leftovers: Leftovers;
  options: SessionOptions;
}

/** Where a push writes: the real path of its folder in the share at `root`. */
export interface PushTarget {
  folder: string;
  root: string;
  /** Its client found nothing there. */
  first: boolean;
  /** Told, in one line, what is for the server's log. */
  warn?: (line: string) => void;
}

/** A push that begins to write; what is new may show together when nothing is there here either. */
export function openPush(parts: PushParts, { folder, root, first: wanted, warn }: PushTarget): PushSession {
  const { stage, partials, leftovers, options } = parts;
  const care = careFor(folder, safetyOf(options, root), warn);
  // What is built in the stage has to lie on the file system that it is for.
  const first = wanted && isEmptyFolder(folder) && Deno.statSync(folder).dev === Deno.statSync(root).dev;
  const writer = new (first ? FirstCopyWriter : LocalWriter)(folder, stage, { partials, ...care });
  return { writer, named: new NamedFiles(), leftovers, answers: new Map() };
}

/** What a client asks for; its old versions can go to the trash of the share only. */
function safetyOf({ fsync, trash }: SessionOptions, root: string): Safety {
  return { fsync, trash: trash ? { kind: "share", root } : { kind: "none" } };
}

/** The answer to the commit `key`: that of `work`, once, also for one that comes again while it is being done. */
export function answerOnce(
  { answers }: PushSession,
  key: string,
  work: () => Promise<Outcome[]>,
): Promise<Outcome[]> {
  const known = answers.get(key);
  if (known !== undefined) return known;
  const answer = work();
  answers.set(key, answer);
  const [oldest] = answers.keys();
  if (answers.size > KEPT_ANSWERS) answers.delete(oldest);
  // What failed may be tried again.
  answer.catch(() => answers.delete(key));
  return answer;
}
