/** Live properties: what the server itself says of a resource (RFC 4918 section 15, RFC 4331). */
import { statfsSync } from "node:fs";
import { formatHttpDate } from "../../http/date.ts";
import { mediaType } from "../../http/media_type.ts";
import type { EntryInfo } from "../../store/read/folder_looks.ts";
import { etagOf } from "../preconditions.ts";
import type { DeadProperty } from "./dead_properties.ts";
import { lockDiscovery, SUPPORTED_LOCKS, type Viewer } from "./lock_xml.ts";
import type { Lock } from "./locks.ts";
import { isDav, type XmlName } from "./xml_read.ts";
import { escapeXml } from "./xml_write.ts";

/** A file or folder, with all that properties are made of. */
export interface Resource {
  /** Its last name; empty for the root. */
  name: string;
  info: EntryInfo;
  /** Where it is. */
  real: string;
  /** The same below the share's root. */
  inner: string;
  /** Those that hold there. */
  locks: readonly Lock[];
  viewer: Viewer;
  dead: readonly DeadProperty[];
}

/** The value of a property as XML; null where the resource has none. */
type Value = (resource: Resource) => string | null;

const VALUES: Readonly<Record<string, Value>> = {
  resourcetype: ({ info }) => info.isDirectory ? "<D:collection/>" : "",
  displayname: ({ name, dead }) => dead.some((one) => isDav(one, "displayname")) ? null : escapeXml(name),
  creationdate: ({ info }) => info.birthtime?.toISOString() ?? null,
  getlastmodified: ({ info }) => info.mtime === null ? null : lastModified(info.mtime.getTime()),
  getcontentlength: ({ info }) => info.isFile ? String(info.size) : null,
  getcontenttype: ({ name, info }) => info.isFile ? mediaType(name) : null,
  getetag: ({ info }) => info.isFile ? escapeXml(etagOf(info)) : null,
  supportedlock: () => SUPPORTED_LOCKS,
  lockdiscovery: ({ locks, inner, viewer }) => lockDiscovery(locks, { path: inner, viewer }),
  "quota-available-bytes": ({ info, real }) => quota(info, real)?.available ?? null,
  "quota-used-bytes": ({ info, real }) => quota(info, real)?.used ?? null,
};

/** Many files of a folder were often written within a second. */
let latest = { second: NaN, date: "" };

function lastModified(mtime: number): string {
  const second = Math.floor(Math.min(mtime, Date.now()) / 1000);
  if (second !== latest.second) latest = { second, date: formatHttpDate(second * 1000) };
  return latest.date;
}

/** Asked of the system, and not what a client means by all. */
const ONLY_BY_NAME: ReadonlySet<string> = new Set(["quota-available-bytes", "quota-used-bytes"]);

/** The live properties that `allprop` gives. */
export const ALL_LIVE: readonly string[] = Object.keys(VALUES).filter((name) => !ONLY_BY_NAME.has(name));

/** All there are. */
export const LIVE: readonly string[] = Object.keys(VALUES);

/** The live property `local`, in DAV's namespace, as an element; null where the resource has none. */
export function liveProperty(local: string, resource: Resource): string | null {
  const value = VALUES[local](resource);
  if (value === null) return null;
  return value === "" ? `<D:${local}/>` : `<D:${local}>${value}</D:${local}>`;
}

/** Whether a property of that name is live. */
export function isLive({ ns, local }: XmlName): boolean {
  return ns === "DAV:" && Object.hasOwn(VALUES, local);
}

/** Whether no client may set it. A name to show is the only one that a client may. */
export function isProtected(name: XmlName): boolean {
  return isLive(name) && name.local !== "displayname";
}

/** What is free for this server on the file system of a folder, and what is in use there, in bytes. */
function quota(info: EntryInfo, real: string): { available: string; used: string } | null {
  if (!info.isDirectory) return null;
  try {
    const { bsize, blocks, bfree, bavail } = statfsSync(real);
    return { available: String(bavail * bsize), used: String((blocks - bfree) * bsize) };
  } catch {
    return null;
  }
}
