import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { FerryError } from "../../core/errors.ts";
import { checkKeyPair, pinOf, readKeyPair } from "../../client/key_pair.ts";
import { lastingKeyPair } from "./lasting.ts";
import { machineNames } from "./names.ts";
import { makeSelfSigned } from "./self_signed.ts";
import { serverTold } from "./told.ts";

const NAMES = ["localhost", "nas.example", "127.0.0.1", "::1"];
const FILES = { cert: "c.pem", key: "k.pem" };
const silent = () => {};

/** `openssl ARGS` with `stdin`; null where there is none. */
async function openssl(args: string[], stdin: string): Promise<string | null> {
  try {
    const child = new Deno.Command("openssl", { args, stdin: "piped", stdout: "piped", stderr: "piped" })
      .spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(stdin));
    await writer.close();
    const { stdout, stderr } = await child.output();
    return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

Deno.test("makeSelfSigned() makes what the runtime serves with, and no authority", async () => {
  const pair = await makeSelfSigned(NAMES, { days: 10 });
  checkKeyPair(
    pair,
    FILES,
    serverTold((line) => {
      throw new Error(line);
    }),
  );
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, ...pair, onListen() {} },
    () => new Response("ok"),
  );
  using client = Deno.createHttpClient({ caCerts: [pair.cert] });
  for (const host of ["localhost", "127.0.0.1"]) {
    const response = await fetch(`https://${host}:${server.addr.port}/`, { client });
    assertEquals(await response.text(), "ok");
  }
  await server.shutdown();
});

Deno.test("makeSelfSigned() makes what openssl verifies and reads", async () => {
  const pair = await makeSelfSigned(NAMES, { days: 10, now: Date.parse("2026-11-23T00:00:00Z") });
  const text = await openssl(["x509", "-noout", "-text"], pair.cert);
  if (text === null) return console.log("no openssl here: not compared");
  for (
    const part of [
      "DNS:localhost, DNS:nas.example, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1",
      "X509v3 Basic Constraints: critical\n                CA:FALSE",
      "X509v3 Key Usage: critical\n                Digital Signature\n",
      "TLS Web Server Authentication",
      "ecdsa-with-SHA256",
      "NIST CURVE: P-256",
      "Not Before: Nov 22 00:00:00 2026 GMT",
      "Not After : Dec  3 00:00:00 2026 GMT",
    ]
  ) assert(text.includes(part), `${part} is not in\n${text}`);
  const dir = Deno.makeTempDirSync();
  Deno.writeTextFileSync(`${dir}/c`, pair.cert);
  const verified = await openssl([
    "verify",
    "-CAfile",
    `${dir}/c`,
    "-check_ss_sig",
    "-no_check_time",
    `${dir}/c`,
  ], "");
  assert(verified?.includes("OK"), String(verified));
  const print = await openssl(["x509", "-noout", "-fingerprint", "-sha256"], pair.cert);
  assertEquals(print?.split("=")[1].trim().replaceAll(":", "").toLowerCase(), pinOf(pair.cert));
  Deno.removeSync(dir, { recursive: true });
});

Deno.test("checkKeyPair() says which of the two is wrong, and how", async () => {
  const [pair, other] = await Promise.all([1, 2].map(() => makeSelfSigned(NAMES, { days: 1 })));
  const encrypted = pair.key.replaceAll("PRIVATE", "ENCRYPTED PRIVATE");
  const cases: [string, string, string][] = [
    [pair.cert, other.key, "--tls-key k.pem: is not the key of the first certificate in c.pem"],
    [other.cert + pair.cert, pair.key, "is not the key of the first"],
    [pair.key, pair.cert, "--tls-cert c.pem: there is no PEM certificate"],
    ["", "", "--tls-cert c.pem: there is no PEM certificate"],
    [pair.cert, "", "--tls-key k.pem: there is no PEM private key"],
    [pair.cert, encrypted, "--tls-key k.pem: has a passphrase"],
    [
      pair.cert,
      pair.key.replace(/\n.{20}/, "\n" + "A".repeat(20)),
      "--tls-key k.pem: is not a key that can be used",
    ],
    [pair.cert.slice(0, 200), pair.key, "--tls-cert c.pem: "],
    [
      pair.cert.replace(/\n.{20}/, "\n" + "A".repeat(20)),
      pair.key,
      "--tls-cert c.pem: its first certificate cannot",
    ],
  ];
  for (const [cert, key, message] of cases) {
    const error = assertThrows(
      () => checkKeyPair({ cert, key }, FILES, serverTold(silent)),
      FerryError,
      message,
    );
    assertEquals(error.code, "usage");
  }
});

Deno.test("checkKeyPair() warns of a certificate that has expired, or is not valid yet", async () => {
  const day = 24 * 3600 * 1000;
  const warnings: string[] = [];
  for (const now of [Date.now() - 20 * day, Date.now() + 20 * day]) {
    checkKeyPair(
      await makeSelfSigned(NAMES, { days: 5, now }),
      FILES,
      serverTold((line) => warnings.push(line)),
    );
  }
  assertEquals(warnings.map((line) => /expired on|not valid before/.exec(line)?.[0]), [
    "expired on",
    "not valid before",
  ]);
});

Deno.test("readKeyPair() reads files, warns of a key for everybody, and names what it cannot read", async () => {
  const dir = Deno.makeTempDirSync();
  const pair = await makeSelfSigned(NAMES, { days: 5 });
  const files = { cert: `${dir}/c`, key: `${dir}/k` };
  assertThrows(
    () => readKeyPair(files, serverTold(silent)),
    FerryError,
    `--tls-cert ${dir}/c: cannot be read: no such file`,
  );
  Deno.writeTextFileSync(files.cert, pair.cert);
  assertThrows(
    () => readKeyPair({ ...files, key: dir }, serverTold(silent)),
    FerryError,
    `--tls-key ${dir}: is a folder`,
  );
  Deno.writeTextFileSync(files.key, pair.key, { mode: 0o600 });
  const warnings: string[] = [];
  assertEquals(readKeyPair(files, serverTold((line) => warnings.push(line))), pair);
  assertEquals(warnings, []);
  Deno.chmodSync(files.key, 0o644);
  readKeyPair(files, serverTold((line) => warnings.push(line)));
  assertEquals(warnings, [`--tls-key ${dir}/k can be read by other users of this machine; chmod 600 it`]);
  Deno.removeSync(dir, { recursive: true });
});

Deno.test("lastingKeyPair() makes one, keeps it for this user alone, and makes a new one before it ends", async () => {
  const dir = Deno.makeTempDirSync();
  const warnings: string[] = [];
  const options = { names: () => NAMES, warn: (line: string) => void warnings.push(line) };
  const first = await lastingKeyPair(dir, options);
  const path = `${dir}/tls/self-signed.pem`;
  assertEquals((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
  assertEquals((Deno.statSync(`${dir}/tls`).mode ?? 0) & 0o777, 0o700);
  const again = await lastingKeyPair(dir, options);
  assertEquals(again, first);
  assertEquals(warnings, []);
  const later = await lastingKeyPair(dir, { ...options, now: Date.now() + 3640 * 24 * 3600 * 1000 });
  assertNotEquals(later.pin, first.pin);
  assertEquals(warnings.length, 1);
  Deno.writeTextFileSync(path, "nonsense");
  await assertRejects(() => lastingKeyPair(dir, options), FerryError, `remove ${path}`);
  assertEquals([...Deno.readDirSync(`${dir}/tls`)].length, 1);
  Deno.removeSync(dir, { recursive: true });
});

Deno.test("machineNames() has what a URL of this machine may be written with, each once", () => {
  const machine = {
    hostname: "Nas",
    addresses: ["127.0.0.1", "::1", "192.168.1.5", "fe80::1", "2001:db8::5"],
  };
  assertEquals(machineNames("0.0.0.0", machine), [
    "localhost",
    "nas",
    "nas.local",
    "127.0.0.1",
    "::1",
    "192.168.1.5",
    "2001:db8::5",
  ]);
  assertEquals(machineNames("files.example", { hostname: "a b", addresses: [] }), [
    "localhost",
    "files.example",
    "127.0.0.1",
    "::1",
  ]);
  assertEquals(machineNames("10.0.0.7", { hostname: "h.example", addresses: [] }).slice(0, 3), [
    "localhost",
    "h.example",
    "10.0.0.7",
  ]);
});
