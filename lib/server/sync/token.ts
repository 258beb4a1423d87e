/** The call that hands out a short-lived token to read one folder, for another server to fetch it with. */
import type { TokenAnswer } from "../../wire/jobs.ts";
import { parsePerms } from "../access.ts";
import { type Capabilities, newGrantId } from "../capability.ts";
import { type Call, json, require, serverPath } from "./call.ts";

/** How long a token holds; a client whose job takes longer asks for the next one. */
const TOKEN_MS = 10 * 60 * 1000;

const READ = parsePerms("r") ?? 0;

/**
 * Answers `POST token`. What a token makes is a part of it: named, counted and revoked with it, and ending with it at
 * the latest. Throws `forbidden` or `unauthorized`.
 */
export function issueToken(call: Call, capabilities: Capabilities): Response {
  const { access, base, host } = call;
  require(call, "r", base);
  const { user, token: own } = access;
  const expires = Math.min(Date.now() + TOKEN_MS, own?.expires ?? Infinity);
  const part = { path: serverPath(call, base), perms: READ, expires };
  const token = capabilities.issue(
    own === null
      ? { id: newGrantId(), user, host, ...part }
      : { ...own, link: undefined, host: own.host ?? host, ...part },
  );
  return json({ token, expires } satisfies TokenAnswer);
}
