/** The sync API of a server with several shares: each call goes to the API of the share that its folder lies in. */
import { FerryError } from "../../core/errors.ts";
import { authorityOf } from "../../http/target.ts";
import type { SyncApi as SyncHandler } from "../handler.ts";
import { hostOf } from "../mounts.ts";
import type { Shared, Shares } from "../shares.ts";
import { folderInQuery } from "./call.ts";

/** The API over `apis`. Throws FerryErrors for refusals. */
export function syncOfShares(shares: Shares, apis: ReadonlyMap<Shared, SyncHandler>): SyncHandler {
  const { only } = shares;
  if (only?.shared) return apis.get(only.shared)!;
  return (request, context) => {
    const authority = context.authority ?? authorityOf(request.url);
    const shared = shares.at(authority, folderInQuery(request.url));
    if (shared === undefined) {
      throw new FerryError("not_found", "nothing is shared at this path; name a folder of one of the shares");
    }
    return apis.get(shared)!(request, {
      ...context,
      access: shared.accessOf(context.access),
      mount: shared.path,
      host: hostOf(authority),
    });
  };
}
