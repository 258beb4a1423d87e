import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, ferryCommand, tempDir } from "./harness.ts";
import { tokenServer } from "./token_tools.ts";

Deno.test("token shows its commands, and suggests the nearest one", async () => {
  const bare = await ferry(["token"]);
  assertEquals([bare.code, bare.stdout], [2, ""]);
  const help = await ferry(["token", "--help"]);
  assertEquals([help.code, help.stdout], [0, bare.stderr]);
  for (const name of ["create", "share", "inspect", "revoke", "key", "hash"]) {
    assertStringIncludes(help.stdout, `ferry token ${name}`);
    const { code, stdout } = await ferry(["token", name, "--help"]);
    assertEquals(code, 0);
    assertStringIncludes(stdout, `Usage:\n  ferry token ${name}`);
  }
  const typo = await ferry(["token", "creat"]);
  assertEquals([typo.code, typo.stderr.includes("did you mean token create?")], [2, true]);
  const flag = await ferry(["token", "create", "--use", "1"]);
  assertEquals([flag.code, flag.stderr.includes("did you mean --uses?")], [2, true]);
});

Deno.test("token create says what it made, on stdout as JSON with --json", async () => {
  await using tokens = await tokenServer({});
  const args = ["--path", "/in box/", "--perms", "wr", "--uses", "3", "--bytes", "1K", "--user", "ann"];
  const { code, stdout, stderr } = await tokens.run("create", [...args, "--expires", "1h"]);
  assertEquals(code, 0);
  assert(/^ferry1\.[\w-]+\.[\w-]{43}\n$/.test(stdout), stdout);
  assert(/^ferry: rw at \/in box until \d{4}-.*; its id is [0-9a-f]{24}\n$/.test(stderr), stderr);
  const made = JSON.parse((await tokens.run("create", [...args, "--json"])).stdout);
  const { token, id, expires, ...rest } = made;
  assertEquals(rest, { path: "/in box", perms: "rw", uses: 3, bytes: 1024, user: "ann" });
  assert(Math.abs(Date.parse(expires) - Date.now() - 86_400_000) < 60_000, expires);
  const said = JSON.parse((await tokens.run("inspect", ["-", "--json"], { stdin: `${token}\n` })).stdout);
  assertEquals([said.id, said.expires, said.genuine, said.trouble], [id, expires, true, null]);
  assertEquals(said.used, { uses: 0, bytes: 0 });
});

Deno.test("token create refuses what would give nothing or is no path, with exit 2", async () => {
  await using tokens = await tokenServer({});
  const cases: [args: string[], says: string][] = [
    [["--path", "docs"], "starts with a slash"],
    [["--path", "/../docs"], "refused"],
    [["--path", "/.ferry"], "refused"],
    [["--perms", "x"], "letters of rwds"],
    [["--perms", "none"], "allow nothing"],
    [["--expires", "0"], "--expires"],
    [["--expires", "1000000d"], "--expires"],
    [["--uses", "0"], "--uses"],
    [["--bytes", "0"], "--bytes"],
    [["--user", ""], "--user"],
  ];
  await Promise.all(cases.map(async ([args, says]) => {
    const { code, stdout, stderr } = await tokens.run("create", args);
    assertEquals([code, stdout], [2, ""], args.join(" "));
    assertStringIncludes(stderr, says);
  }));
});

Deno.test("token inspect tells what is wrong with a token, with exit 67", async () => {
  await using tokens = await tokenServer({});
  await using other = await tokenServer({});
  const token = await tokens.token("--path", "/docs", "--uses", "2");
  const inspect = async (...args: string[]) => {
    const { code, stdout } = await tokens.run("inspect", args);
    return [code, /^holds +(.*)$/m.exec(stdout)?.[1]];
  };
  assertEquals(await inspect(token), [0, "yes"]);
  assertEquals(await inspect(await other.token()), [67, "no: not of this key"]);
  await tokens.run("revoke", [token]);
  assertEquals(await inspect(token), [67, "no: revoked"]);
  const { code, stdout } = await ferry(["token", "inspect", token]);
  assertEquals(code, 0);
  assertStringIncludes(stdout, "not looked at");
  assertStringIncludes(stdout, "r at /docs and below");
  for (const text of ["x", "ferry1.a.b", "https://h/docs/"]) {
    assertEquals([text, (await tokens.run("inspect", [text])).code], [text, 2]);
  }
});

Deno.test("token revoke refuses what would end nothing: other keys, other state folders, no tokens", async () => {
  await using tokens = await tokenServer({});
  await using other = await tokenServer({});
  const token = await tokens.token();
  for (const [text, says] of [[await other.token(), "no token of this key"], ["x", "no token of this key"]]) {
    const { code, stderr } = await tokens.run("revoke", [text]);
    assertEquals(code, 2);
    assertStringIncludes(stderr, says);
  }
  using elsewhere = tempDir();
  const args = ["--token-key", tokens.key, "--state-dir", elsewhere.path, token];
  const { code, stderr } = await ferry(["token", "revoke", ...args]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, "no server with this key has its state in");
  assertEquals([...Deno.readDirSync(elsewhere.path)], []);
});

Deno.test("token hash reads a password from a pipe, to the end of its line", async () => {
  const hash = async (stdin: string) => (await ferry(["token", "hash"], { stdin })).stdout;
  assert(/^\$scrypt\$ln=16,r=8,p=1\$[\w+/]{22}\$[\w+/]{43}\n$/.test(await hash("pw")), await hash("pw"));
  for (const stdin of ["", "\n", "\nx"]) {
    const { code, stdout, stderr } = await ferry(["token", "hash"], { stdin });
    assertEquals([code, stdout, stderr], [2, "", "ferry: the password is empty\n"]);
  }
  const long = await ferry(["token", "hash"], { stdin: "x".repeat(100_000) });
  assertEquals(long.code, 2);
  const bytes = await ferry(["token", "hash"], { stdin: new Uint8Array([0xff, 10]) });
  assertEquals(bytes.code, 2);
});

const script = await new Deno.Command("sh", { args: ["-c", "command -v script"], stdout: "null" }).output();
if (!script.success) console.error("no script(1): passwords on a terminal are not tested");

/** Runs `ferry ARGS` on a terminal, where `keys` are typed when each prompt has come; gives what it shows. */
async function typed(args: string[], keys: [prompt: string, text: string][]): Promise<string> {
  const { path, args: all } = ferryCommand(args);
  const line = [path, ...all].map((word) => `'${word}'`).join(" ");
  const child = new Deno.Command("script", {
    args: ["-qec", line, "/dev/null"],
    stdin: "piped",
    stdout: "piped",
    env: { TERM: "dumb" },
  }).spawn();
  const writer = child.stdin.getWriter();
  let shown = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    shown += text;
    for (; keys.length > 0 && shown.includes(keys[0][0]); keys.shift()) {
      await writer.write(new TextEncoder().encode(keys[0][1]));
    }
  }
  await writer.close().catch(() => {});
  return `${shown}${(await child.status).code}`;
}

Deno.test({
  name: "token hash does not show a password that is typed, and asks for it twice",
  ignore: !script.success,
  async fn() {
    const same = await typed(["token", "hash"], [["Password: ", "geheimx\x7f\r"], ["Again: ", "geheim\r"]]);
    assert(/\$scrypt\$ln=16,r=8,p=1\$[\w+/]{22}\$[\w+/]{43}\r?\n0$/.test(same), same);
    assert(!same.includes("geheim"), same);
    const other = await typed(["token", "hash"], [["Password: ", "geheim\r"], ["Again: ", "gehein\r"]]);
    assert(other.includes("the two are not the same") && other.endsWith("2"), other);
    assert(!other.includes("gehei"), other);
    const stopped = await typed(["token", "hash"], [["Password: ", "geheim\x03"]]);
    assert(!stopped.includes("geheim") && !stopped.includes("$scrypt$") && stopped.endsWith("130"), stopped);
  },
});
