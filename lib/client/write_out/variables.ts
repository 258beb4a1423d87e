/** The names that `--write-out` knows, most of them curl's, and what they stand for. Pure. */
import { asUtf8 } from "../answer_text.ts";
import type { Report, Times } from "./facts.ts";

/** A number, a text, or null for what there is not. */
export type Value = string | number | null;

/**
 * What has to be done for a variable: `facts` are taken while a URL is requested, `sha256` is computed of the body,
 * `lookup` makes the looking up of names a step of its own.
 */
export type Need = "facts" | "sha256" | "lookup";

export interface Variable {
  of(report: Report): Value;
  /** Seconds are written with six digits behind the point, a status with three in all, as curl does. */
  form?: "seconds" | "status";
  needs?: readonly Need[];
}

const seconds = (ms: number | undefined) => ms === undefined ? 0 : Math.round(ms * 1000) / 1e6;
const speed = (bytes: number, ms: number) => ms > 0 ? Math.round(bytes / ms * 1000) : 0;
/** One of the outcome alone. */
const told = (of: Variable["of"], form?: Variable["form"]): Variable => ({ of, form });
const fact = (of: Variable["of"]): Variable => ({ of, needs: ["facts"] });
const time = (key: keyof Times, needs: readonly Need[] = ["facts"]): Variable => ({
  of: ({ facts }) => seconds(facts.times[key]),
  form: "seconds",
  needs,
});
const status = told(({ outcome }) => outcome.status, "status");
const path = told(({ outcome }) => outcome.path ?? null);
const retries = told(({ outcome }) => outcome.retries);

/** One header of the answer, several joined by commas; null where it has none of that name. */
export function headerOf({ facts }: Report, name: string): string | null {
  const wanted = name.toLowerCase();
  const values = (facts.answer?.headers ?? []).filter(([key]) => key.toLowerCase() === wanted);
  return values.length === 0 ? null : values.map(([, value]) => asUtf8(value)).join(", ");
}

export const VARIABLES: Readonly<Record<string, Variable>> = {
  status,
  http_code: status,
  response_code: status,
  bytes: told(({ outcome }) => outcome.bytes),
  size_download: told(({ facts }) => facts.received),
  size_upload: told(({ facts }) => facts.sent),
  speed_download: told(({ facts, ms }) => speed(facts.received, ms)),
  speed_upload: told(({ facts, ms }) => speed(facts.sent, ms)),
  ms: told(({ outcome }) => outcome.ms),
  time_total: told(({ ms }) => seconds(ms), "seconds"),
  time_namelookup: time("lookup", ["facts", "lookup"]),
  time_connect: time("connect"),
  time_appconnect: time("tls"),
  time_pretransfer: time("request"),
  time_starttransfer: time("answer"),
  time_redirect: time("redirect"),
  url: told(({ target }) => target),
  url_effective: told(lastUrl),
  scheme: told((report) => /^[a-z][a-z0-9+.-]*(?=:)/i.exec(lastUrl(report))?.[0].toLowerCase() ?? null),
  method: told(({ outcome, facts }) => facts.answer?.method ?? outcome.method),
  num_redirects: told(({ facts }) => facts.redirects),
  redirect_url: fact(({ facts }) => facts.answer?.redirectUrl ?? null),
  num_connects: fact(({ facts }) => facts.connects),
  num_retries: retries,
  retries,
  num_headers: fact(({ facts }) => facts.answer?.headers.length ?? 0),
  content_type: fact((report) => headerOf(report, "content-type")),
  http_version: fact(({ facts }) => facts.answer?.version ?? "0"),
  remote_ip: fact(({ facts }) => facts.answer?.connection.remote?.hostname ?? null),
  remote_port: fact(({ facts }) => facts.answer?.connection.remote?.port ?? 0),
  local_ip: fact(({ facts }) => facts.answer?.connection.local?.hostname ?? null),
  local_port: fact(({ facts }) => facts.answer?.connection.local?.port ?? 0),
  filename_effective: path,
  path,
  sha256: { of: ({ outcome }) => outcome.sha256 ?? null, needs: ["sha256"] },
  resumed: told(({ outcome }) => outcome.resumed ? 1 : 0),
  exitcode: told(({ outcome }) => outcome.error?.exit ?? 0),
  errormsg: told(({ outcome }) => outcome.error?.message ?? null),
};

function lastUrl({ outcome, facts }: Report): string {
  return facts.answer?.url.href ?? outcome.url;
}
