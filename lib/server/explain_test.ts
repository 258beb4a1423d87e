import { assertEquals } from "@std/assert";
import { parsePerms } from "./access.ts";
import { parseAuthFlags } from "./auth_flag.ts";
import { TOP } from "./mounts.ts";
import { explain, explainText } from "./explain.ts";

const ACCOUNTS = {
  users: parseAuthFlags(["ann:secret@/:rwd,/a:r,/a/b:none", "bob:secret@/in:ws"]),
  anonymous: [{ path: "pub", perms: parsePerms("r")! }],
};

Deno.test("explain() has every user and every path of a rule, and what the server would decide", () => {
  const rows = explain({ accounts: ACCOUNTS, shares: [{ mount: TOP }] });
  const table = rows.map(({ user, path, perms }) => `${user ?? "*"} ${path} ${perms}`);
  assertEquals(table, [
    ...["* / none", "* /a none", "* /a/b none", "* /in none", "* /pub r"],
    ...["ann / rwd", "ann /a r", "ann /a/b none", "ann /in rwd", "ann /pub rwd"],
    ...["bob / none", "bob /a none", "bob /a/b none", "bob /in ws", "bob /pub r"],
  ]);
  const verbs = (user: string | null, path: string) =>
    rows.find((row) => row.user === user && row.path === path)?.verbs ?? [];
  assertEquals(verbs(null, "/pub"), [
    ...["GET", "HEAD", "PROPFIND", "COPY from", "COPY folder from", "sync from"],
  ]);
  // Single files may go, the whole may not: a rule below says so.
  assertEquals(verbs("ann", "/").includes("DELETE"), true);
  assertEquals(verbs("ann", "/").includes("DELETE folder"), false);
  assertEquals(verbs("ann", "/in").includes("DELETE folder"), true);
  assertEquals(verbs("bob", "/in"), ["PUT", "MKCOL", "PROPPATCH", "LOCK", "COPY to", "MOVE to"]);
});

Deno.test("explain() has shares by path and by host, with rules of their own in place of the server's", () => {
  const r = parsePerms("r")!;
  const rows = explain({
    accounts: ACCOUNTS,
    shares: [
      { mount: { hosts: [], path: "a" } },
      { mount: { hosts: [], path: "x" }, own: { anonymous: [{ path: "y", perms: r }] } },
      {
        mount: { hosts: ["b.example"], path: "" },
        own: { users: [{ name: "bob", rules: [{ path: "", perms: r }] }] },
      },
    ],
  });
  const table = rows.map(({ host = "", user, path, perms }) => `${user ?? "*"} ${host}${path} ${perms}`);
  assertEquals(table, [
    ...["* /a none", "* /a/b none", "* /x none", "* /x/y r"],
    ...["ann /a r", "ann /a/b none", "ann /x rwd", "ann /x/y rwd"],
    ...["bob /a none", "bob /a/b none", "bob /x none", "bob /x/y r"],
    ...["", "a", "a/b", "in"].map((path) => `* b.example/${path} none`),
    "* b.example/pub r",
    ...["", "a", "a/b", "in"].map((path) => `ann b.example/${path} none`),
    "ann b.example/pub r",
    ...["", "a", "a/b", "in", "pub"].map((path) => `bob b.example/${path} r`),
  ]);
});

Deno.test("explainText() is a line a row", () => {
  const accounts = { users: [], anonymous: [{ path: "", perms: 0 }, { path: "a\n", perms: 1 }] };
  const text = explainText(
    explain({ accounts, shares: [{ mount: TOP }] }),
  );
  assertEquals(text.split("\n").map((line) => line.slice(0, 29)), [
    "(everybody)  /     none  noth",
    "(everybody)  /a\\n  r     GET,",
    "",
  ]);
});
