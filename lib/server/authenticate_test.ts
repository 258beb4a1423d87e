import { assert, assertEquals } from "@std/assert";
import { scryptSync } from "node:crypto";
import { parseAuthFlags } from "./auth_flag.ts";
import { createAuthenticate } from "./authenticate.ts";

const unpadded = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes)).replace(/=+$/, "");
const salt = new TextEncoder().encode("0123456789abcdef");
const key = new Uint8Array(scryptSync("hushed", salt, 32, { N: 2 ** 10, r: 8, p: 1 }));
const HASH = `$scrypt$ln=10,r=8,p=1$${unpadded(salt)}$${unpadded(key)}`;

const ADDRESS = "192.0.2.1";
const basic = (login: string) => `Basic ${btoa(login)}`;

const CASES: [about: string, authorization: string | null, user: string | null | undefined][] = [
  ["nobody", null, null],
  ["a plain password", basic("ann:secret"), "ann"],
  ["a hashed password", basic("bob:hushed"), "bob"],
  ["the hash in place of the password", basic(`bob:${HASH}`), undefined],
  ["a wrong plain password", basic("ann:hushed"), undefined],
  ["a wrong hashed password", basic("bob:secret"), undefined],
  ["an empty password", basic("ann:"), undefined],
  ["an unknown user", basic("eve:secret"), undefined],
  ["an unknown user called like a property", basic("__proto__:secret"), undefined],
  ["another scheme", "Bearer abc", undefined],
  ["rubbish", "Basic ?", undefined],
];
for (const [about, authorization, user] of CASES) {
  Deno.test(`createAuthenticate() knows ${about}`, async () => {
    const authenticate = await createAuthenticate({
      users: parseAuthFlags(["ann:secret", `bob:${HASH}@/b:r`]),
      anonymous: [],
    });
    // Twice: the second time from memory.
    for (let i = 0; i < 2; i++) assertEquals((await authenticate(authorization, ADDRESS))?.user, user);
  });
}

Deno.test("createAuthenticate() remembers a verified login, so that scrypt runs once", async () => {
  const authenticate = await createAuthenticate({ users: parseAuthFlags([`bob:${HASH}`]), anonymous: [] });
  assert(authenticate(basic("bob:hushed"), ADDRESS) instanceof Promise);
  await authenticate(basic("bob:hushed"), ADDRESS);
  assert(!(authenticate(basic("bob:hushed"), ADDRESS) instanceof Promise));
  assert(authenticate(basic("bob:wrong"), ADDRESS) instanceof Promise);
});

Deno.test("createAuthenticate() runs scrypt for an unknown user and a wrong plain password too", async () => {
  const users = parseAuthFlags(["ann:secret", `bob:${HASH}`]);
  const authenticate = await createAuthenticate({ users, anonymous: [] });
  for (const login of ["eve:x", "ann:x", "bob:x"]) {
    const answer = authenticate(basic(login), ADDRESS);
    assert(answer instanceof Promise, login);
    assertEquals(await answer, null);
  }
});

Deno.test("createAuthenticate() without users lets nobody in who claims to be one", async () => {
  const authenticate = await createAuthenticate({ users: [], anonymous: [{ path: "", perms: 7 }] });
  assertEquals(await authenticate(basic("ann:secret"), ADDRESS), null);
  assertEquals((await authenticate(null, ADDRESS))?.can("w", "x"), true);
});
