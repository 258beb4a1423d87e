/** What a TLS 1.2 server answers to a client hello, up to the place where the client has to go on; as wrong as is wished. */
import * as crypto from "node:crypto";
import type { KeyPair } from "../lib/client/key_pair.ts";

export interface Flight {
  suite?: number;
  /** The length of its session's number. */
  session?: number;
  extensions?: number[];
  group?: number;
  /** Its share in the key. */
  point?: Uint8Array;
  /** A record that holds nothing comes first. */
  empty?: boolean;
  /** Its share is signed for another client. */
  forged?: boolean;
}

/** The flight of the server with `pair`, on P-256, to `hello`, a record. */
export function serverFlight(hello: Uint8Array, { cert, key }: KeyPair, wish: Flight): Uint8Array {
  const { suite = 0xc02b, session = 0, extensions = [255, 1, 0, 1, 0], group = 0x1d } = wish;
  // The share of somebody whose own secret is 9.
  const { point = new Uint8Array(32).fill(9) } = wish;
  const asked = Uint8Array.from(hello.subarray(11, 43));
  if (wish.forged) asked[0] ^= 1;
  const random = new Uint8Array(32).fill(7);
  const answer = [3, 3, ...random, session, ...new Uint8Array(session), suite >> 8, suite & 255, 0];
  const params = [3, group >> 8, group & 255, point.length, ...point];
  const signed = Uint8Array.of(...asked, ...random, ...params);
  const signature = crypto.sign("sha256", signed, crypto.createPrivateKey(key));
  const der = Uint8Array.from(
    atob(/BEGIN C[^-]+-----([^-]+)/.exec(cert)![1].replace(/\s/g, "")),
    (c) => c.charCodeAt(0),
  );
  const messages = [
    ...message(2, [...answer, ...counted(2, extensions)]),
    ...message(11, counted(3, counted(3, [...der]))),
    ...message(12, [...params, 4, 3, ...counted(2, [...signature])]),
    ...message(14, []),
  ];
  return Uint8Array.from([...wish.empty ? [22, 3, 3, 0, 0] : [], 22, 3, 3, ...counted(2, messages)]);
}

function message(type: number, body: number[]): number[] {
  return [type, ...counted(3, body)];
}

/** `data` with its length in `width` bytes before it. */
function counted(width: number, data: number[]): number[] {
  const length = Array.from({ length: width }, (_, at) => (data.length >> (8 * (width - 1 - at))) & 255);
  return [...length, ...data];
}
