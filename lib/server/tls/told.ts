import type { KeyPairTold } from "../../client/key_pair.ts";

/** How mistakes in the files of a server's certificate are told of. */
export function serverTold(warn: (line: string) => void): KeyPairTold {
  return { cert: "--tls-cert", key: "--tls-key", judge: "clients", warn };
}
