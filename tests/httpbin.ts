/** httpbin, a server that tells what it was sent, for tests of requests. */

/** Where `.ci/run` puts it, a virtual environment of Python. */
const HOME = Deno.env.get("HTTPBIN_VENV") ?? `${Deno.env.get("HOME")}/.cache/ferry-peers/httpbin`;

export interface Httpbin extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, no slash at the end. */
  url: string;
}

/** Whether it is installed; says so in a line when it is not, since a test is then passed over. */
export function hasHttpbin(): boolean {
  try {
    if (Deno.statSync(`${HOME}/bin/gunicorn`).isFile) return true;
  } catch {
    // Said below.
  }
  console.error("httpbin is not installed: its tests are passed over");
  return false;
}

/** Starts it on a free port; `await using` ends it. */
export async function httpbin(): Promise<Httpbin> {
  const child = new Deno.Command(`${HOME}/bin/gunicorn`, {
    args: ["--bind", "127.0.0.1:0", "--workers", "1", "--threads", "4", "httpbin:app"],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const reader = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
  let log = "";
  let port: string | undefined;
  while (port === undefined) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`httpbin ended: ${log}`);
    log += value;
    port = /Listening at: http:\/\/127\.0\.0\.1:(\d+)/.exec(log)?.[1];
  }
  const draining = (async () => {
    while (!(await reader.read()).done);
  })();
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
      await draining;
    },
  };
}
