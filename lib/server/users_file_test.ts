import { assert, assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../core/errors.ts";
import { parsePerms } from "./access.ts";
import { hashPassword, matchesScrypt } from "./password.ts";
import { parseUsers, readUsers } from "./users_file.ts";

const HASH = "$scrypt$ln=10,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY";

Deno.test("parseUsers() reads names, hashes and rules, and passes over what is empty or a remark", () => {
  const text = `# who may come in\n\nann:${HASH}\r\nbob b:${HASH}:/:r,/in box:rw\néva:${HASH}:/docs\n`;
  const users = parseUsers(text, "users");
  const perms = (letters: string) => parsePerms(letters)!;
  assertEquals(users.map(({ name, rules }) => [name, rules]), [
    ["ann", [{ path: "", perms: perms("rwd") }]],
    ["bob b", [{ path: "", perms: perms("r") }, { path: "in box", perms: perms("rw") }]],
    ["éva", [{ path: "docs", perms: perms("rwd") }]],
  ]);
  assert(users.every(({ secret }) => secret.kind === "scrypt"));
  assertEquals(parseUsers("", "users"), []);
});

Deno.test("parseUsers() names the line that is wrong, and repeats no password and no hash", () => {
  const cases: [line: string, says: string][] = [
    ["ann", "must be NAME:HASH"],
    [`:${HASH}`, "must be NAME:HASH"],
    ["ann:TOPSECRET", "ferry token hash"],
    ["ann:", "ferry token hash"],
    ["ann:$2y$05$TOPSECRET", "ferry token hash"],
    ["ann:$scrypt$ln=99,r=8,p=1$TOPSECRET$TOPSECRET", "ferry token hash"],
    [`ann:${HASH}:`, "starts with a slash"],
    [`ann:${HASH}:docs`, "starts with a slash"],
    [`ann:${HASH}:/docs:x`, "letters of rwds"],
    [`ann:${HASH}:/../docs`, "refused"],
    [`ann:${HASH}:/a:r,/a/:w`, "twice"],
    [`bob:${HASH}`, "bob comes twice"],
  ];
  for (const [line, says] of cases) {
    const error = assertThrows(() => parseUsers(`bob:${HASH}\n${line}\n`, "f"), FerryError, "f line 2: ");
    assert(error.message.includes(says), error.message);
    assert(!error.message.includes("TOPSECRET") && !error.message.includes("MDEy"), error.message);
  }
});

Deno.test("readUsers() refuses a file that others may write to", () => {
  const path = Deno.makeTempFileSync({ prefix: "ferry-users-" });
  try {
    Deno.writeTextFileSync(path, `ann:${HASH}\n`);
    Deno.chmodSync(path, 0o644);
    assertEquals(readUsers(path).length, 1);
    for (const mode of [0o664, 0o646, 0o620]) {
      Deno.chmodSync(path, mode);
      assertThrows(() => readUsers(path), FerryError, "others may write");
    }
  } finally {
    Deno.removeSync(path);
  }
  assertThrows(() => readUsers(path), FerryError, "no such file");
  assertThrows(() => readUsers("/dev/zero"), FerryError, "no file of users");
});

Deno.test("hashPassword() makes another hash each time, which its password alone gives", async () => {
  const [one, other] = [await hashPassword("höchst geheim"), await hashPassword("höchst geheim")];
  assert(one !== other);
  const [{ secret }] = parseUsers(`ann:${one}`, "f");
  assert(secret.kind === "scrypt");
  assertEquals([await matchesScrypt("höchst geheim", secret), await matchesScrypt("geheim", secret)], [
    true,
    false,
  ]);
});
