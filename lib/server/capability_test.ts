import { assert, assertEquals } from "@std/assert";
import { parsePerms } from "./access.ts";
import { parseAuthFlags } from "./auth_flag.ts";
import { createAuthenticate } from "./authenticate.ts";
import { Capabilities } from "./capability.ts";

const READ = parsePerms("r")!;
const GRANT = { user: "ann", path: "a b/é", perms: READ, expires: 2000 };

Deno.test("Capabilities open what they issued, until it ends", () => {
  let now = 1000;
  const capabilities = new Capabilities(undefined, () => now);
  const token = capabilities.issue(GRANT);
  assert(/^[A-Za-z0-9._~+/-]+$/.test(token), token);
  assertEquals(capabilities.open(token), GRANT);
  now = 2000;
  assertEquals(capabilities.open(token), null);
});

Deno.test("Capabilities open nothing that was changed, cut, or signed with another key", () => {
  const capabilities = new Capabilities(undefined, () => 1000);
  const token = capabilities.issue(GRANT);
  const [scheme, said, mark] = token.split(".");
  const forged = btoa(JSON.stringify(["ann", "", 15, 9e15])).replace(/=+$/, "");
  const others = [
    "",
    "ferry1.",
    "ferry1..",
    said,
    `${scheme}.${said}`,
    `${scheme}.${said}.`,
    `${scheme}.${forged}.${mark}`,
    `${scheme}.${said}.${mark}.`,
    `${scheme}.${said}.${mark.slice(0, -2)}`,
    token + "A".repeat(20_000),
    new Capabilities().issue(GRANT),
  ];
  for (const other of others) assertEquals(capabilities.open(other), null, other);
});

Deno.test("createAuthenticate() gives a token the part of its issuer's permissions that it says", async () => {
  const capabilities = new Capabilities();
  const users = parseAuthFlags(["ann:secret@/:rwd,/a/hidden:w,/b:rwds"]);
  const authenticate = await createAuthenticate({
    users,
    anonymous: [{ path: "", perms: parsePerms("rw")! }],
  }, capabilities);
  const token = (path: string, user: string | null = "ann") =>
    capabilities.issue({ user, path, perms: READ, expires: Date.now() + 10_000 });
  const access = await authenticate(`Bearer ${token("a")}`);
  assertEquals(access?.user, "ann");
  const can = (["r", "w", "d", "s"] as const).map((perm) =>
    ["a", "a/x", "b", "", "ab"].filter((path) => access?.can(perm, path))
  );
  assertEquals(can, [["a", "a/x"], [], [], []]);
  assertEquals(access?.denial("w").status, 403);
  assertEquals(await authenticate(`Bearer ${token("a", "eve")}`), null);
  assertEquals(await authenticate("Bearer rubbish"), null);
  assertEquals((await authenticate(`Bearer ${token("", null)}`))?.can("r", "x"), true);
});

Deno.test("a token never gives what its issuer may not do", async () => {
  const capabilities = new Capabilities();
  const users = parseAuthFlags(["ann:secret@/:r,/a/hidden:w"]);
  const authenticate = await createAuthenticate({ users, anonymous: [] }, capabilities);
  const token = capabilities.issue({ user: "ann", path: "", perms: READ, expires: Date.now() + 10_000 });
  const access = await authenticate(`Bearer ${token}`);
  assertEquals(["a", "a/hidden", "a/hidden/x"].map((path) => access?.can("r", path)), [true, false, false]);
  assertEquals(access?.canDeep("r", ""), false);
});
