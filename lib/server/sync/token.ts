/** The call that hands out a short-lived token to read one folder, for another server to fetch it with. */
import type { TokenAnswer } from "../../wire/jobs.ts";
import { parsePerms } from "../access.ts";
import type { Capabilities } from "../capability.ts";
import { type Call, json, require, serverPath } from "./call.ts";
import { FerryError } from "../../core/errors.ts";

/** How long a token holds; a client whose job takes longer asks for the next one. */
const TOKEN_MS = 10 * 60 * 1000;

const READ = parsePerms("r") ?? 0;

/** Answers `POST token`. Throws `forbidden` or `unauthorized`. */
export function issueToken(call: Call, capabilities: Capabilities): Response {
  const { access, base } = call;
  require(call, "r", base);
  // Else a token that was lost would live for ever.
  if (access.bounded) throw new FerryError("forbidden", "a token does not make tokens");
  const expires = Date.now() + TOKEN_MS;
  const token = capabilities.issue({ user: access.user, path: serverPath(call, base), perms: READ, expires });
  return json({ token, expires } satisfies TokenAnswer);
}
