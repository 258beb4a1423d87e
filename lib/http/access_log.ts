/** Lines of the access log. Everything from outside is escaped: no byte of a request can forge a line or a field. */

/** One finished exchange. */
export interface AccessRecord {
  /** When it began, milliseconds since 1970. */
  time: number;
  /** The address of the other side. */
  remote: string;
  user: string | null;
  method: string;
  /** The raw path and query. */
  target: string;
  protocol: "HTTP/1.1" | "HTTP/2.0";
  status: number;
  /** Bytes of the body that were sent. */
  bytes: number;
  ms: number;
  referer: string | null;
  agent: string | null;
  /** What the request is called; null where it has no name. */
  id: string | null;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `record` as a line of the combined format, its time in UTC. */
export function formatCombined(record: AccessRecord): string {
  const { remote, user, method, target, protocol, status, bytes, referer, agent } = record;
  return `${field(remote)} - ${user === null ? "-" : field(user)} [${clfTime(record.time)}] ` +
    `"${field(method)} ${field(target)} ${protocol}" ${status} ${bytes} ` +
    `"${referer === null ? "-" : field(referer)}" "${agent === null ? "-" : field(agent)}"\n`;
}

/** `record` as one line of JSON. */
export function formatJson(record: AccessRecord): string {
  const line = JSON.stringify({
    ...record,
    time: new Date(record.time).toISOString(),
    ms: Math.round(record.ms * 1000) / 1000,
  });
  // JSON may hold these as they are, a terminal may obey them and some readers split lines at them.
  return line.replace(/[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, unicodeEscape) + "\n";
}

function unicodeEscape(c: string): string {
  return "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0");
}

/** A field as nginx escapes it: quotes, backslashes and what is not printable ASCII become `\xHH` by UTF-8 byte. */
function field(text: string): string {
  if (/^[\x20\x21\x23-\x5b\x5d-\x7e]*$/.test(text)) return text;
  let escaped = "";
  for (const byte of new TextEncoder().encode(text)) {
    escaped += byte < 0x20 || byte > 0x7e || byte === 0x22 || byte === 0x5c
      ? "\\x" + byte.toString(16).toUpperCase().padStart(2, "0")
      : String.fromCharCode(byte);
  }
  return escaped;
}

let lastSecond = -1;
let lastText = "";

/** `22/Nov/2026:10:00:00 +0000`; made once a second. */
function clfTime(ms: number): string {
  const second = Math.floor(ms / 1000);
  if (second !== lastSecond) {
    const iso = new Date(second * 1000).toISOString();
    lastText = `${iso.slice(8, 10)}/${MONTHS[Number(iso.slice(5, 7)) - 1]}/${iso.slice(0, 4)}:${
      iso.slice(11, 19)
    } +0000`;
    lastSecond = second;
  }
  return lastText;
}
