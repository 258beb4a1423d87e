/** What is wrong with a configuration file beyond its single values; what is wrong is said to the file. */
import { closestString } from "@std/text/closest-string";
import { isReadByOthers } from "../../cli/config/config_file.ts";
import { quote } from "../../core/errors.ts";
import type { Place } from "../listen.ts";
import type { Way } from "../../cli/config/document.ts";
import { writableRefusal } from "./loopback.ts";
import { type FilePerms, type FileUser, innerPath, type ReadServeFile } from "./serve_file.ts";

/** Checks who may do what: `users` are all there are, those of the command line among them. */
export function checkServeFile(
  file: ReadServeFile,
  { users, place }: { users: readonly string[]; place: Place },
): void {
  const { shares = [], users: own } = file.value;
  const checkOpen = ({ anonymous, writable }: { anonymous?: FilePerms; writable?: boolean }, way: Way) => {
    if (anonymous !== undefined) checkPaths(file, anonymous, [...way, "anonymous"]);
    if (!writable) return;
    const at = [...way, "writable"];
    const refused = writableRefusal(place);
    if (refused !== null) file.say(at, `"writable" ${refused}; name users, or a loopback host`);
    if (anonymous !== undefined) file.say(at, '"writable" and "anonymous" say the same thing: leave one out');
  };
  checkOpen(file.value, []);
  if (own instanceof Map) {
    for (const [name, { rules, password }] of own as ReadonlyMap<string, FileUser>) {
      if (rules !== undefined) checkPaths(file, rules, ["users", name, "rules"]);
      if (password.startsWith("$scrypt$") || !isReadByOthers(file.path)) continue;
      file.say(
        ["users", name, "password"],
        "the password can be read by other users of this machine: put a hash here (ferry token hash), or chmod 600 the file",
      );
    }
  }
  for (const [i, share] of shares.entries()) {
    checkOpen(share, ["shares", i]);
    for (const [name, perms] of share.users ?? []) {
      const at = ["shares", i, "users", name];
      checkPaths(file, perms, at);
      if (users.includes(name)) continue;
      const hint = users.length === 0 ? "" : `; did you mean ${quote(closestString(name, users))}?`;
      file.say(at, `there is no user ${quote(name)}${hint}`);
    }
  }
}

/** Says where two paths are one. */
function checkPaths(file: ReadServeFile, perms: FilePerms, way: Way): void {
  if (typeof perms === "string") return;
  const seen = new Set<string>();
  for (const path of perms.keys()) {
    const inner = innerPath(path);
    if (seen.has(inner)) file.say([...way, path], `the path ${quote(path)} comes twice`);
    seen.add(inner);
  }
}
