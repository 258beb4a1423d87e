import { assert, assertEquals, assertThrows } from "@std/assert";
import { createHmac } from "node:crypto";
import { FerryError } from "../core/errors.ts";
import { parsePerms } from "./access.ts";
import { parseAuthFlags } from "./auth_flag.ts";
import { createAuthenticate } from "./authenticate.ts";
import { Capabilities, newGrantId, readUnverified } from "./capability.ts";
import type { Grant } from "./grant.ts";
import { keyId } from "./token_key.ts";
import { TokenLedger } from "./token_ledger.ts";

const READ = parsePerms("r")!;
const ADDRESS = "192.0.2.1";
const KEY = new Uint8Array(32).fill(7);
const GRANT: Grant = { id: newGrantId(), user: "ann", path: "a b/é", perms: READ, expires: 2000 };

const base64url = (bytes: Uint8Array | string) =>
  btoa(String.fromCharCode(...(typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes)))
    .replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

/** A token with any content and the right signature. */
function signed(content: string): string {
  const said = base64url(content);
  return `ferry1.${said}.${createHmac("sha256", KEY).update(`ferry1.${said}`).digest("base64url")}`;
}

Deno.test("Capabilities open what they issued, and check that it has not ended", () => {
  let now = 1000;
  const capabilities = new Capabilities(KEY, { now: () => now });
  const full: Grant = {
    ...GRANT,
    user: null,
    uses: 3,
    bytes: 2 ** 40,
    link: true,
    host: "files.example",
    sha256: "0123456789abcdef".repeat(4),
  };
  const { user: _, ...own } = GRANT;
  for (const grant of [GRANT, full, own, { ...GRANT, host: "files.example" }]) {
    const token = capabilities.issue(grant);
    assert(/^[A-Za-z0-9._-]+$/.test(token), token);
    assertEquals(capabilities.open(token), grant);
    assertEquals(readUnverified(token), grant);
  }
  const token = capabilities.issue(GRANT);
  assertEquals(capabilities.check(token), GRANT);
  now = 2000;
  assertEquals(assertThrows(() => capabilities.check(token), FerryError, "ended").code, "unauthorized");
});

Deno.test("Capabilities open nothing that was changed, cut, extended, or signed in another way", () => {
  const capabilities = new Capabilities(KEY);
  const token = capabilities.issue(GRANT);
  const [scheme, said, mark] = token.split(".");
  const more = base64url(JSON.stringify({ ...GRANT, path: "/", perms: "rwds" }));
  const none = base64url(JSON.stringify({ alg: "none", typ: "JWT" }));
  const flipped = (text: string, at: number) =>
    text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
  const others = [
    "",
    "ferry1.",
    "ferry1..",
    said,
    `${scheme}.${said}`,
    `${scheme}.${said}.`,
    `${scheme}.${more}.${mark}`,
    `${scheme}.${said}${more}.${mark}`,
    `${scheme}.${said}.${mark}.`,
    `${scheme}.${said}.${mark}.${mark}`,
    `${scheme}.${said}.${mark}A`,
    `${scheme}.${said}.${mark.slice(0, -1)}`,
    `${scheme}.${said}.${mark}=`,
    `${scheme}.${said}==.${mark}`,
    `${scheme}.${said}.${mark.toLowerCase()}`,
    `ferry2.${said}.${mark}`,
    `FERRY1.${said}.${mark}`,
    ` ${token}`,
    `${token}\n`,
    // What has fooled readers of JSON Web Tokens.
    `${none}.${said}.`,
    `${none}.${said}.${mark}`,
    `${scheme}.${said}.${base64url(new Uint8Array(32))}`,
    `${scheme}.${said}.${createHmac("sha256", "").update(`ferry1.${said}`).digest("base64url")}`,
    `${scheme}.${said}.${createHmac("sha256", KEY).update(said).digest("base64url")}`,
    token + "A".repeat(20_000),
    new Capabilities().issue(GRANT),
    ...Array.from(mark, (_, at) => `${scheme}.${said}.${flipped(mark, at)}`),
    ...Array.from(said, (_, at) => `${scheme}.${flipped(said, at)}.${mark}`),
  ];
  for (const other of others) assertEquals(capabilities.open(other), null, other);
});

Deno.test("Capabilities open nothing that says what they do not understand, even if it is signed", () => {
  const capabilities = new Capabilities(KEY);
  const said = { id: GRANT.id, path: "/a", perms: "r", expires: 9e15 };
  assert(capabilities.open(signed(JSON.stringify(said))) !== null);
  const wrong: object[] = [
    // A limit of a later version.
    { ...said, address: "192.0.2.1" },
    { ...said, path: "a" },
    { ...said, path: "/../a" },
    { ...said, path: "/a/" },
    { ...said, path: "/a//b" },
    { ...said, path: "/.ferry" },
    { ...said, path: "/a\0" },
    { ...said, perms: "x" },
    { ...said, perms: 15 },
    { ...said, expires: "9e15" },
    { ...said, expires: -1 },
    { ...said, expires: 1e300 },
    { ...said, uses: 0 },
    { ...said, uses: null },
    { ...said, bytes: 1.5 },
    { ...said, link: false },
    { ...said, link: true, sha256: "abc" },
    { ...said, sha256: "0".repeat(64) },
    { ...said, link: true, host: "a/b" },
    { ...said, user: 1 },
    { ...said, id: "short" },
    [said],
  ];
  for (const content of [...wrong.map((value) => JSON.stringify(value)), "", "null", "{", "\xff"]) {
    assertEquals(capabilities.open(signed(content)), null, content);
  }
});

Deno.test("createAuthenticate() gives a token the part of its issuer's permissions that it says", async () => {
  const capabilities = new Capabilities();
  const users = parseAuthFlags(["ann:secret@/:rwd,/a/hidden:w,/b:rwds"]);
  const authenticate = await createAuthenticate({
    users,
    anonymous: [{ path: "", perms: parsePerms("rw")! }],
  }, { capabilities });
  const token = (path: string, user: string | null = "ann") =>
    capabilities.issue({ id: newGrantId(), user, path, perms: READ, expires: Date.now() + 10_000 });
  const access = await authenticate(`Bearer ${token("a")}`, ADDRESS);
  assertEquals(access?.user, "ann");
  const can = (["r", "w", "d", "s"] as const).map((perm) =>
    ["a", "a/x", "b", "", "ab"].filter((path) => access?.can(perm, path))
  );
  assertEquals(can, [["a", "a/x"], [], [], []]);
  assertEquals(access?.denial("w").status, 403);
  assertEquals(await authenticate(`Bearer ${token("a", "eve")}`, ADDRESS), null);
  assertEquals(await authenticate("Bearer rubbish", ADDRESS), null);
  assertEquals((await authenticate(`Bearer ${token("", null)}`, ADDRESS))?.can("r", "x"), true);
  // As a password, for those who know nothing else; the name does not matter.
  const basic = (user: string) => `Basic ${btoa(`${user}:${token("a")}`)}`;
  for (const user of ["", "ann", "eve"]) {
    assertEquals((await authenticate(basic(user), ADDRESS))?.can("r", "a/x"), true, user);
  }
});

Deno.test("a token never gives what its issuer may not do", async () => {
  const capabilities = new Capabilities();
  const users = parseAuthFlags(["ann:secret@/:r,/a/hidden:w"]);
  const authenticate = await createAuthenticate({ users, anonymous: [] }, { capabilities });
  const grant = { id: newGrantId(), user: "ann", path: "", perms: READ, expires: Date.now() + 10_000 };
  const access = await authenticate(`Bearer ${capabilities.issue(grant)}`, ADDRESS);
  assertEquals(["a", "a/hidden", "a/hidden/x"].map((path) => access?.can("r", path)), [true, false, false]);
  assertEquals(access?.canDeep("r", ""), false);
});

Deno.test("a token of the key itself gives what it says, whoever the users are", async () => {
  const capabilities = new Capabilities(KEY);
  const authenticate = await createAuthenticate({ users: [], anonymous: [] }, { capabilities });
  const id = newGrantId();
  const grant = { id, path: "in", perms: parsePerms("rw")!, expires: Date.now() + 10_000 };
  const access = await authenticate(`Bearer ${capabilities.issue(grant)}`, ADDRESS);
  assertEquals(access?.user, `token:${id}`);
  const can = (["r", "w", "d", "s"] as const).map((perm) =>
    ["in", "in/x", "", "inner"].filter((path) => access?.can(perm, path))
  );
  assertEquals(can, [["in", "in/x"], ["in", "in/x"], [], []]);
});

Deno.test("a token with limits is refused where nothing keeps account of it", () => {
  const capabilities = new Capabilities(KEY);
  for (const limit of [{ uses: 1 }, { bytes: 1 }]) {
    const token = capabilities.issue({ ...GRANT, expires: Date.now() + 10_000, ...limit });
    assertThrows(() => capabilities.check(token), FerryError, "account");
  }
});

Deno.test("TokenLedger keeps uses, bytes and revocations for all who have it open, and after a restart", () => {
  const home = Deno.makeTempDirSync({ prefix: "ferry-ledger-" });
  try {
    assertThrows(() => new TokenLedger(home, KEY, { make: false }), FerryError, "--state-dir");
    const grant = { id: newGrantId(), expires: Date.now() + 60_000, uses: 3, bytes: 100 };
    {
      using one = new TokenLedger(home, KEY, { make: true });
      using other = new TokenLedger(home, KEY, { make: false });
      assertEquals([one.takeUse(grant), other.takeUse(grant), one.takeUse(grant)], [true, true, true]);
      assertEquals([one.takeUse(grant), other.takeUse(grant)], [false, false]);
      one.giveUse(grant.id);
      assertEquals([other.takeUse(grant), one.takeUse(grant)], [true, false]);
      assertEquals([one.takeBytes(grant, 60), other.takeBytes(grant, 41)], [true, false]);
      assertEquals(other.takeBytes(grant, 40), true);
      one.giveBytes(grant.id, 10);
      assertEquals([other.takeBytes(grant, 11), other.takeBytes(grant, 10)], [false, true]);
      other.revoke(grant, 5);
      assertEquals(one.find(grant.id), { uses: 3, bytes: 100, revoked: 5 });
      const path = `${home}/tokens/${keyId(KEY)}.db`;
      assertEquals(Deno.statSync(path).mode! & 0o777, 0o600);
    }
    using again = new TokenLedger(home, KEY, { make: false });
    assertEquals(again.find(grant.id), { uses: 3, bytes: 100, revoked: 5 });
    // Another key's are its own.
    using others = new TokenLedger(home, new Uint8Array(32), { make: true });
    assertEquals(others.find(grant.id), { uses: 0, bytes: 0, revoked: null });
    using late = new TokenLedger(home, KEY, { make: true, now: () => grant.expires + 2 * 86_400_000 });
    assertEquals(late.find(grant.id), { uses: 0, bytes: 0, revoked: null });
  } finally {
    Deno.removeSync(home, { recursive: true });
  }
});

Deno.test("Capabilities.check() refuses what was revoked, from the next look on", () => {
  const home = Deno.makeTempDirSync({ prefix: "ferry-ledger-" });
  try {
    using ledger = new TokenLedger(home, KEY, { make: true });
    using outside = new TokenLedger(home, KEY, { make: false });
    const capabilities = new Capabilities(KEY, { ledger });
    const grant = { ...GRANT, expires: Date.now() + 60_000 };
    const token = capabilities.issue(grant);
    assertEquals(capabilities.check(token)?.id, grant.id);
    outside.revoke(grant);
    assertThrows(() => capabilities.check(token), FerryError, "revoked");
  } finally {
    Deno.removeSync(home, { recursive: true });
  }
});
