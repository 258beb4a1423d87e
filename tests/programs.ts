/** Programs of others that tests run, where they are installed. */

/** Whether the program is there; says so in a line when it is not, since a test is then passed over. */
export function installed(program: string): boolean {
  try {
    new Deno.Command(program, { args: ["--version"], stdin: "null", stdout: "null", stderr: "null" })
      .outputSync();
    return true;
  } catch {
    console.error(`${program} is not installed: its tests are passed over`);
    return false;
  }
}
