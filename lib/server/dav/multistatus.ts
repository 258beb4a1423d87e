/** 207 answers (RFC 4918 sections 13 and 14.16). Pure. */
import { statusTitle } from "../../http/status.ts";
import { XML_HEAD } from "./error.ts";
import { ALL_LIVE, isLive, LIVE, liveProperty, type Resource } from "./live_properties.ts";
import { nameKey, type PropertyRequest } from "./messages.ts";
import { emptyElement, escapeXml } from "./xml_write.ts";

export const MULTISTATUS_OPEN = `${XML_HEAD}<D:multistatus xmlns:D="DAV:">\n`;
export const MULTISTATUS_CLOSE = "</D:multistatus>\n";

/** One `propstat`: properties as elements, and what came of them. */
export interface PropStat {
  status: number;
  props: string;
  /** The condition that did not hold. */
  condition?: string;
}

/** What a resource answers about its properties. */
export function propertyResponse(href: string, stats: readonly PropStat[]): string {
  let text = `<D:response><D:href>${escapeXml(href)}</D:href>`;
  for (const { status, props, condition } of stats) {
    const error = condition === undefined ? "" : `<D:error><D:${condition}/></D:error>`;
    text += `<D:propstat><D:prop>${props}</D:prop>${statusElement(status)}${error}</D:propstat>`;
  }
  return text + "</D:response>\n";
}

/** What became of a resource as a whole. */
export function statusResponse(href: string, status: number): string {
  return `<D:response><D:href>${escapeXml(href)}</D:href>${statusElement(status)}</D:response>\n`;
}

function statusElement(status: number): string {
  return `<D:status>HTTP/1.1 ${status} ${statusTitle(status)}</D:status>`;
}

/** Makes the function that answers `request` for one resource after the other. */
export function propertyReader(request: PropertyRequest): (resource: Resource) => PropStat[] {
  switch (request.kind) {
    case "names":
      return (resource) => {
        const live = LIVE.filter((name) => liveProperty(name, resource) !== null).map((local) =>
          `<D:${local}/>`
        );
        return [{ status: 200, props: live.join("") + resource.dead.map(emptyElement).join("") }];
      };
    case "all": {
      const more = request.include.filter((name) => isLive(name) && !ALL_LIVE.includes(name.local));
      const names = [...ALL_LIVE, ...more.map(({ local }) => local)];
      return (resource) => {
        let props = "";
        for (const name of names) props += liveProperty(name, resource) ?? "";
        for (const { xml } of resource.dead) props += xml;
        return [{ status: 200, props }];
      };
    }
    case "some":
      return someReader(request.names);
  }
}

function someReader(names: Extract<PropertyRequest, { kind: "some" }>["names"]) {
  const wanted = names.map((name) => ({
    live: isLive(name) ? name.local : null,
    key: nameKey(name),
    missing: emptyElement(name),
  }));
  return (resource: Resource): PropStat[] => {
    const dead = resource.dead.length === 0
      ? null
      : new Map(resource.dead.map((property) => [nameKey(property), property.xml]));
    let found = "";
    let missing = "";
    for (const one of wanted) {
      const xml = dead?.get(one.key) ?? (one.live === null ? null : liveProperty(one.live, resource));
      if (xml === null) missing += one.missing;
      else found += xml;
    }
    const stats: PropStat[] = [];
    if (found !== "" || missing === "") stats.push({ status: 200, props: found });
    if (missing !== "") stats.push({ status: 404, props: missing });
    return stats;
  };
}
