/** From the flags of `ferry request` to who it is and how it reaches servers. Reads the files that flags name. */
import type { Io } from "../lib/cli/io.ts";
import type { SecretArgument } from "../lib/cli/process_title.ts";
import { isSecretLine, isToken } from "../lib/client/credentials/credentials.ts";
import { Dialer, type DialOptions } from "../lib/client/dial/dialer.ts";
import type { IdentityOptions } from "../lib/client/credentials/identity.ts";
import { FerryError, quote, readError } from "../lib/core/errors.ts";
import type { RequestFlags } from "./request_flags.ts";

/** The flags of the command and those of all commands. */
type Flags = RequestFlags & { quiet: boolean };

/** Keeps secrets of the command line from others on the machine. */
export async function hideSecrets(flags: Flags, args: readonly string[]): Promise<void> {
  const secrets = secretFlags(flags);
  const urls = [...args, ...flags.mirror];
  // Most lines have none, and then this need not be loaded.
  if (secrets.length === 0 && !urls.some((url) => url.includes("@"))) return;
  const { hideArguments, passwordsIn } = await import("../lib/cli/process_title.ts");
  hideArguments([...secrets, ...passwordsIn(urls)]);
}

/** What of the flags is secret: passwords, tokens, headers that hold such. */
function secretFlags(flags: Flags): SecretArgument[] {
  const found: SecretArgument[] = [];
  const add = (text: string, from: number, to = text.length) => found.push({ text, from, to });
  const { user, token, header } = flags;
  if (user?.includes(":")) add(user, user.indexOf(":") + 1);
  if (token !== undefined) add(token, 0);
  for (const line of header) if (isSecretLine(line)) add(line, line.indexOf(":") + 1);
  return found;
}

/** The credentials for the URLs' own origins; asks for a password that is missing. Throws `usage` and `read_failed`. */
export async function identityOf(flags: Flags, io: Io): Promise<IdentityOptions> {
  if (flags.user !== undefined && flags.token !== undefined) {
    throw new FerryError("usage", "--user and --token cannot go together");
  }
  if (flags.token !== undefined && !isToken(flags.token)) {
    throw new FerryError("usage", "--token is empty or has characters that no token has");
  }
  const netrc = flags.netrc
    ? (await import("../lib/client/credentials/netrc_file.ts")).readNetrc((name) => io.env(name))
    : undefined;
  const user = flags.user === undefined || netrc ? flags.user : await userWithPassword(flags.user, io);
  return { user, token: flags.token, netrc, ambientToken: io.env("FERRY_TOKEN") || undefined };
}

/** Throws `usage` when there is nobody to ask. */
async function userWithPassword(user: string, io: Io): Promise<string> {
  if (user.includes(":")) return user;
  if (!Deno.stdin.isTerminal() || !io.stderrIsTerminal) {
    throw new FerryError(
      "usage",
      "--user must be USER:PASSWORD where there is no terminal to ask for the password",
    );
  }
  const { readSecret } = await import("../lib/cli/secret_input.ts");
  return `${user}:${await readSecret(io, `Password of ${quote(user)}: `)}`;
}

/** What makes connections as the flags and the environment want them. Throws `usage` and `read_failed`. */
export async function dialerFor(
  flags: Flags,
  io: Io,
  options: Pick<DialOptions, "lookFirst"> = {},
): Promise<Dialer> {
  checkTrust(flags);
  return new Dialer({
    ...options,
    unix: flags.unix,
    ...await trustOf(flags, io),
    identity: await clientCertificate(flags, io),
    resolved: await resolvedOf(flags),
    family: familyOf(flags),
    connectTimeout: flags["connect-timeout"] || undefined,
    timeoutFlag: "--connect-timeout",
    env: io.env,
  });
}

/** Throws `usage` for flags of which one says the contrary of the other. */
function checkTrust(flags: Flags): void {
  const pinned = flags.pin.length > 0;
  const { insecure, cacert, cert } = flags;
  if (pinned && cacert !== undefined) {
    throw new FerryError("usage", "--pin trusts no authority, so it cannot go with --cacert");
  }
  if (insecure && (pinned || cacert !== undefined)) {
    throw new FerryError(
      "usage",
      `--insecure checks no certificate, so it cannot go with ${pinned ? "--pin" : "--cacert"}`,
    );
  }
  if (insecure && cert !== undefined) {
    throw new FerryError(
      "usage",
      "--insecure cannot go with --cert, which is for servers that are known: give --pin sha256:HEX or --cacert FILE",
    );
  }
  if (cert === undefined && flags.key !== undefined) {
    throw new FerryError("usage", "--key goes with --cert FILE, the certificate that it is the key of");
  }
}

async function trustOf(
  flags: Flags,
  io: Io,
): Promise<Pick<DialOptions, "pins" | "insecure" | "caCerts">> {
  if (flags.pin.length > 0) {
    const { readPins } = await import("../lib/client/pin/pin.ts");
    return { pins: readPins(flags.pin) };
  }
  if (flags.insecure) {
    if (!flags.quiet) {
      io.err("ferry: --insecure: no certificate is checked; anybody may be at the other end\n");
    }
    return { insecure: true };
  }
  return { caCerts: flags.cacert === undefined ? undefined : [readCertificates(flags.cacert)] };
}

async function clientCertificate(
  { cert, key, quiet }: Flags,
  io: Io,
): Promise<DialOptions["identity"]> {
  if (cert === undefined) return undefined;
  const { readKeyPair } = await import("../lib/client/key_pair.ts");
  const warn = (line: string) => quiet || io.err(`ferry: ${line}\n`);
  const told = { cert: "--cert", key: key === undefined ? "--cert" : "--key", judge: "the server", warn };
  return readKeyPair({ cert, key: key ?? cert }, told);
}

async function resolvedOf({ resolve }: Flags): Promise<DialOptions["resolved"]> {
  if (resolve.length === 0) return undefined;
  const { parseResolve } = await import("../lib/client/dial/resolve_flag.ts");
  return parseResolve(resolve);
}

function familyOf({ ipv4, ipv6 }: Flags): DialOptions["family"] {
  if (ipv4 && ipv6) throw new FerryError("usage", "--ipv4 and --ipv6 cannot go together");
  return ipv4 ? 4 : ipv6 ? 6 : undefined;
}

function readCertificates(path: string): string {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    throw readError(error, path);
  }
  if (!text.includes("-----BEGIN CERTIFICATE-----")) {
    throw new FerryError("usage", `--cacert ${quote(path)}: there is no PEM certificate in it`);
  }
  return text;
}
