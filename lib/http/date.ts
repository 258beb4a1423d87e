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
  // Nearly all are of this one, and mirrors read as many of them as there are files: no match is made.
  if (IMF_FIXDATE.test(text)) {
    const time = { hours: digits(text, 17), minutes: digits(text, 20), seconds: digits(text, 23) };
    const year = digits(text, 12) * 100 + digits(text, 14);
    return toMs({ year, month: text.slice(8, 11), day: digits(text, 5), ...time });
  }
  let match = RFC_850.exec(text);
  if (match) {
    const time = { hours: Number(match[4]), minutes: Number(match[5]), seconds: Number(match[6]) };
    return toMs({ year: fullYear(Number(match[3]), now), month: match[2], day: Number(match[1]), ...time });
  }
  match = ASCTIME.exec(text);
  if (match) {
    const time = { hours: Number(match[3]), minutes: Number(match[4]), seconds: Number(match[5]) };
    return toMs({ year: Number(match[6]), month: match[1], day: Number(match[2]), ...time });
  }
  return null;
}

/** The number that two digits from `at` on are. */
function digits(text: string, at: number): number {
  return (text.charCodeAt(at) - 48) * 10 + text.charCodeAt(at + 1) - 48;
}

/** Two digits that seem over 50 years ahead mean the last century that ends in them. */
function fullYear(two: number, now: number): number {
  const thisYear = new Date(now).getUTCFullYear();
  const year = thisYear - thisYear % 100 + two;
  return year > thisYear + 50 ? year - 100 : year;
}

interface Moment {
  year: number;
  month: string;
  day: number;
  hours: number;
  minutes: number;
  seconds: number;
}

function toMs({ year, month, day, hours, minutes, seconds }: Moment): number | null {
  const monthIndex = MONTHS.indexOf(month);
  // 60 is a leap second; the clock of a file system does not have it.
  if (monthIndex === -1 || hours > 23 || minutes > 59 || seconds > 60) return null;
  const date = new Date(0);
  date.setUTCFullYear(year, monthIndex, day);
  if (date.getUTCDate() !== day) return null;
  date.setUTCHours(hours, minutes, seconds);
  return date.getTime();
}

function two(number: number): string {
  return number < 10 ? "0" + number : String(number);
}
