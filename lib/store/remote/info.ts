/** What a server says of itself and of a folder: `GET info` of the sync API. */
import { FerryError } from "../../core/errors.ts";
import { type Info, parseInfo } from "../../wire/info.ts";
import { MAX_ANSWER_BYTES, PROTOCOL } from "../../wire/limits.ts";
import type { ServerCalls } from "./calls.ts";

const JSON_TYPE = "application/json";

/** The answer to `call`. Throws `protocol` for a server that is not Ferry's, or of another version. */
export async function fetchInfo(calls: ServerCalls, call: string): Promise<Info> {
  const response = await calls.send(call).catch((error) => {
    // The call has an answer for every path, also where nothing is.
    if (!(error instanceof FerryError) || error.code !== "not_found") throw error;
    throw noFerry(calls, error.message.replace(`${calls.label} `, ""));
  });
  const info = calls.parse(await jsonAnswer(response, { calls, max: MAX_ANSWER_BYTES }), parseInfo);
  if (info.protocol !== PROTOCOL) {
    throw new FerryError(
      "protocol",
      `${calls.label} speaks version ${info.protocol} of the sync API, this is ${PROTOCOL}`,
    );
  }
  return info;
}

/** The body of an answer that is JSON, at most `max` bytes. Throws `protocol` for any other. */
export async function jsonAnswer(
  response: Response,
  { calls, max }: { calls: ServerCalls; max: number },
): Promise<Uint8Array> {
  const type = response.headers.get("content-type") ?? "";
  if (type.startsWith(JSON_TYPE)) return await calls.answer(response, max);
  await response.body?.cancel();
  throw noFerry(calls, "does not answer in JSON");
}

function noFerry({ label }: ServerCalls, why: string): FerryError {
  return new FerryError(
    "protocol",
    `${label} is not on a Ferry server that speaks version ${PROTOCOL} of the sync API: it ${why}`,
  );
}
