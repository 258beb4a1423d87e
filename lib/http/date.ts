/** HTTP dates (RFC 9110 section 5.6.7). */

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const IMF_FIXDATE =
  /^(?:Sun|Mon|Tue|Wed|Thu|Fri|Sat), (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT$/;
const RFC_850 =
  /^(?:Sun|Mon|Tues|Wednes|Thurs|Fri|Satur)day, (\d\d)-([A-Z][a-z]{2})-(\d\d) (\d\d):(\d\d):(\d\d) GMT$/;
const ASCTIME = /^(?:Sun|Mon|Tue|Wed|Thu|Fri|Sat) ([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d) (\d{4})$/;

/**
 * Milliseconds since 1970 as an IMF-fixdate; fractions of a second are cut.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(formatHttpDate(784111777123), "Sun, 06 Nov 1994 08:49:37 GMT");
 * ```
 */
export function formatHttpDate(ms: number): string {
  const date = new Date(ms);
  return `${DAYS[date.getUTCDay()]}, ${two(date.getUTCDate())} ${MONTHS[date.getUTCMonth()]} ` +
    `${String(date.getUTCFullYear()).padStart(4, "0")} ` +
    `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} GMT`;
}

/** Milliseconds since 1970 from any of the three forms that a recipient must read; null for everything else. */
export function parseHttpDate(text: string, now = Date.now()): number | null {
  let match = IMF_FIXDATE.exec(text);
  if (match) return toMs(match[3], match[2], match[1], match.slice(4, 7));
  match = RFC_850.exec(text);
  if (match) return toMs(fullYear(Number(match[3]), now), match[2], match[1], match.slice(4, 7));
  match = ASCTIME.exec(text);
  if (match) return toMs(match[6], match[1], match[2], match.slice(3, 6));
  return null;
}

/** Two digits that seem over 50 years ahead mean the last century that ends in them. */
function fullYear(two: number, now: number): number {
  const thisYear = new Date(now).getUTCFullYear();
  const year = thisYear - thisYear % 100 + two;
  return year > thisYear + 50 ? year - 100 : year;
}

function toMs(year: string | number, month: string, day: string, time: readonly string[]): number | null {
  const monthIndex = MONTHS.indexOf(month);
  const [hours, minutes, seconds] = time.map(Number);
  // 60 is a leap second; the clock of a file system does not have it.
  if (monthIndex === -1 || hours > 23 || minutes > 59 || seconds > 60) return null;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), monthIndex, Number(day));
  if (date.getUTCDate() !== Number(day)) return null;
  date.setUTCHours(hours, minutes, seconds);
  return date.getTime();
}

function two(number: number): string {
  return number < 10 ? "0" + number : String(number);
}
