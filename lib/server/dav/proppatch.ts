/** PROPPATCH: sets and removes properties, all or none of them (RFC 4918 section 9.2). */
import { innerPath } from "../../store/root.ts";
import { checkPreconditions } from "../preconditions.ts";
import type { Reply } from "../reply.ts";
import { type Exchange, find, notFound } from "../share.ts";
import { readXml } from "./body.ts";
import { XML_TYPE } from "./error.ts";
import { guard } from "./guard.ts";
import { isProtected } from "./live_properties.ts";
import { parseProppatch, type PropertyChange } from "./messages.ts";
import { MULTISTATUS_CLOSE, MULTISTATUS_OPEN, propertyResponse, type PropStat } from "./multistatus.ts";
import { emptyElement } from "./xml_write.ts";

/** Answers 207 that says of each property what became of it. */
export async function proppatch(exchange: Exchange): Promise<Reply> {
  const changes = parseProppatch(await readXml(exchange));
  const { share } = exchange;
  const target = find(exchange, exchange.path, { perm: "w" });
  const { info, real } = target;
  if (info === null || !(info.isFile || info.isDirectory)) throw notFound();
  if (target.slash && info.isFile) throw notFound();
  checkPreconditions(exchange, target);
  guard(exchange, [{ kind: "content", at: target }]);
  const refused = changes.filter(({ name }) => isProtected(name));
  if (refused.length === 0) share.dav.tables.dead.change(innerPath(share.root, real), changes);
  const stats: PropStat[] = refused.length === 0 ? [{ status: 200, props: namesOf(changes) }] : [
    { status: 403, props: namesOf(refused), condition: "cannot-modify-protected-property" },
    { status: 424, props: namesOf(changes.filter(({ name }) => !isProtected(name))) },
  ].filter(({ props }) => props !== "");
  const href = exchange.mounted.urlOf(target.path, info.isDirectory);
  const body = MULTISTATUS_OPEN + propertyResponse(href, stats) + MULTISTATUS_CLOSE;
  return { status: 207, headers: { "content-type": XML_TYPE }, body };
}

function namesOf(changes: readonly PropertyChange[]): string {
  return [...new Set(changes.map(({ name }) => emptyElement(name)))].join("");
}
