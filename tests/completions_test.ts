/** `ferry completions`: what each shell completes, asked of the shells themselves. */
import { assert, assertEquals } from "@std/assert";
import { installed } from "./programs.ts";
import { ferry, type TempDir, tempDir } from "./harness.ts";

/** A line as typed so far, and some of what must be offered, or must not be. */
const CASES: readonly { typed: string; offered: string[]; not?: string[] }[] = [
  { typed: "ferry re", offered: ["request"], not: ["serve", "sync"] },
  { typed: "ferry token re", offered: ["revoke"], not: ["request", "create"] },
  { typed: "ferry request --ret", offered: ["--retry"], not: ["--remote-name"] },
  { typed: "ferry token create --tok", offered: ["--token-key"] },
  { typed: "ferry sync --no-fs", offered: ["--no-fsync"] },
  { typed: "ferry sync --links ke", offered: ["keep"], not: ["skip"] },
  { typed: "ferry request -o an", offered: ["an odd name"], not: ["folder"] },
  { typed: "ferry serve ", offered: ["folder"], not: ["an odd name"] },
  { typed: "ferry completions f", offered: ["fish"] },
];

/** A folder with the script, `an odd name` and `folder` in it. */
async function place(shell: string): Promise<TempDir> {
  const dir = tempDir({ "here/an odd name": "", "here/folder": null });
  const made = await ferry(["completions", shell]);
  assertEquals([made.code, made.stderr], [0, ""]);
  Deno.writeTextFileSync(`${dir.path}/script`, made.stdout);
  return dir;
}

/** What `shell` prints that runs `code`. */
async function output(shell: string, args: readonly string[], cwd: string): Promise<string> {
  const run = await new Deno.Command(shell, { args: [...args], cwd, stdin: "null" }).output();
  const decoder = new TextDecoder();
  assertEquals([run.success, decoder.decode(run.stderr)], [true, ""], decoder.decode(run.stdout));
  return decoder.decode(run.stdout);
}

function check(text: string, { typed, offered, not = [] }: typeof CASES[number]): void {
  // A word ends where its description begins; shells show it as it would be typed.
  const words = text.split(/[\r\n]+/).map((line) =>
    line.replace(/(\t| {2}-- ).*/, "").replaceAll("\\", "").replace(/\/$/, "")
  );
  for (const word of offered) assert(words.includes(word), `${typed}: ${text}`);
  for (const word of not) assert(!words.includes(word), `${typed}: ${text}`);
}

Deno.test("completions of bash", async () => {
  using dir = await place("bash");
  for (const one of CASES) {
    const words = one.typed.split(" ").map((word) => `'${word}'`).join(" ");
    const code =
      `source ../script; compopt() { :; }; COMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
_ferry; printf '%s\\n' "\${COMPREPLY[@]}"`;
    check(await output("bash", ["--norc", "-c", code], `${dir.path}/here`), one);
  }
});

Deno.test({
  name: "completions of fish",
  ignore: !installed("fish"),
  fn: async () => {
    using dir = await place("fish");
    const code = CASES.map(({ typed }) => `complete -C '${typed}'; echo ----`).join("\n");
    const text = await output(
      "fish",
      ["--no-config", "-c", `source ../script\n${code}`],
      `${dir.path}/here`,
    );
    const answers = text.split("----\n");
    for (const [i, one] of CASES.entries()) check(answers[i], one);
  },
});

Deno.test({
  name: "completions of zsh",
  ignore: !installed("zsh"),
  fn: async () => {
    using dir = await place("zsh");
    // A zsh in a terminal of its own lists what it would complete, and says when it has.
    Deno.writeTextFileSync(
      `${dir.path}/list.zsh`,
      `zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z 'unsetopt zle_bracketed_paste prompt_sp; stty columns 400; autoload -Uz compinit; compinit -u -D; source ../script'
zpty -w z 'bindkey "^I" list-choices; show() { zle -I; print -r -- "<<$BUFFER>>"; zle kill-buffer }; zle -N show; bindkey "^X" show; PS1="re""ady>"'
for typed in "$@"; do
  zpty -r z line '*ready>*'
  zpty -w -n z "$typed"$'\\t\\x18'
  zpty -r z line '*<<*>>*'
  print -r -- "$line"
  print -r -- ----
done
zpty -d z
`,
    );
    const args = ["-f", "../list.zsh", ...CASES.map(({ typed }) => typed)];
    const text = await output("zsh", args, `${dir.path}/here`);
    // deno-lint-ignore no-control-regex -- what a terminal obeys
    const plain = text.replace(/\x1b\[[0-9;?]*[a-zA-Z]/g, "");
    const answers = plain.split("----\n");
    for (const [i, one] of CASES.entries()) check(answers[i], one);
  },
});

Deno.test("completions of a shell that is not known", async () => {
  const run = await ferry(["completions", "tcsh"]);
  assertEquals([run.code, run.stderr], [2, "ferry: no completions for tcsh; there are bash, zsh, fish\n"]);
});
