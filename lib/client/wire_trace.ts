/** What `--verbose` shows of an exchange: it as it was on the wire, secrets redacted. */
import { asUtf8, headerLine } from "./answer_text.ts";
import { quote } from "../core/errors.ts";
import type { WireTrace } from "./http1/request.ts";

/** Tells `line` of each line, without its end and safe for a terminal. */
export function wireTrace(line: (text: string) => void): WireTrace {
  return {
    connected: (about, reused) => line(`* ${reused ? "still " : ""}${quote(about)}`),
    sent(head) {
      const [first, ...fields] = head.trimEnd().split("\r\n");
      line(`> ${quote(asUtf8(first))}`);
      for (const field of fields) {
        const colon = field.indexOf(":");
        line(`> ${headerLine(field.slice(0, colon), field.slice(colon + 2), { redact: true })}`);
      }
      line(">");
    },
    received(first, fields) {
      line(`< ${quote(asUtf8(first))}`);
      for (const [name, value] of fields) line(`< ${headerLine(name, value, { redact: true })}`);
      line("<");
    },
  };
}
