import { assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { FileBody } from "./file_body.ts";
import { FileDigests } from "./file_digests.ts";

const CONTENT = new Uint8Array(9_000_000).map((_, i) => i * 7 + (i >> 9));
const DIGEST = createHash("sha256").update(CONTENT).digest("base64");

/** A body that counts how often it is hashed, of a file that seems to have been at rest for `ageMs`. */
class Counted extends FileBody {
  static hashed = 0;

  constructor(path: string, readonly ageMs: number) {
    super(Deno.openSync(path), [{ start: 0, end: CONTENT.length }], CONTENT.length);
  }

  override stat(): Deno.FileInfo {
    const info = super.stat();
    const time = new Date((info.mtime?.getTime() ?? 0) - this.ageMs);
    return { ...info, mtime: time, ctime: time };
  }

  override sha256(options: { whole: boolean }): Promise<string | null> {
    Counted.hashed++;
    return super.sha256(options);
  }
}

async function withFile(act: (path: string) => Promise<void>): Promise<void> {
  const path = Deno.makeTempFileSync();
  Deno.writeFileSync(path, CONTENT);
  Counted.hashed = 0;
  try {
    await act(path);
  } finally {
    Deno.removeSync(path);
  }
}

Deno.test("FileDigests hashes a file once for all who ask, and remembers one that is at rest", () =>
  withFile(async (path) => {
    const digests = new FileDigests();
    const bodies = [1, 2, 3].map(() => new Counted(path, 60_000));
    assertEquals(await Promise.all(bodies.map((body) => digests.ofFile(body))), [
      DIGEST,
      DIGEST,
      DIGEST,
    ]);
    assertEquals(await digests.ofFile(bodies[0]), DIGEST);
    assertEquals(Counted.hashed, 1);
    for (const body of bodies) body.close();

    const young = new Counted(path, 0);
    for (let i = 0; i < 2; i++) assertEquals(await digests.ofFile(young), DIGEST);
    assertEquals(Counted.hashed, 3, "one that may change unseen is hashed each time");
    young.close();
  }));

Deno.test("FileDigests tells nothing of a file that changes while it is hashed", () =>
  withFile(async (path) => {
    const digests = new FileDigests();
    for (const size of [CONTENT.length + 1, 1000]) {
      const body = new Counted(path, 60_000);
      const digest = digests.ofFile(body);
      Deno.truncateSync(path, size);
      assertEquals(await digest, null, String(size));
      body.close();
    }
  }));

async function drain(body: FileBody): Promise<void> {
  const reader = body.stream(() => {}).getReader();
  while (!(await reader.read()).done);
}

Deno.test("FileDigests learns what is sent as a whole, once at a time, and nothing of what breaks off", () =>
  withFile(async (path) => {
    const digests = new FileDigests();
    const [broken, beside, young, whole] = [60_000, 60_000, 0, 60_000].map((age) => new Counted(path, age));
    digests.watch(broken);
    digests.watch(beside);
    const reader = broken.stream(() => {}).getReader();
    await reader.read();
    // Nobody hashes what another one is hashing, nor what may change unseen.
    await drain(beside);
    digests.watch(young);
    await drain(young);
    assertEquals(digests.known(whole), undefined);
    await reader.cancel();
    assertEquals(digests.known(whole), undefined);

    digests.watch(whole);
    const next = new Counted(path, 60_000);
    await drain(whole);
    assertEquals([digests.known(next), Counted.hashed], [DIGEST, 0]);
    next.close();

    // One that is never sent makes room for the next one.
    const other = new FileDigests();
    const [unsent, sent] = [new Counted(path, 60_000), new Counted(path, 60_000)];
    other.watch(unsent);
    unsent.close();
    other.watch(sent);
    await drain(sent);
    const last = new Counted(path, 60_000);
    assertEquals(other.known(last), DIGEST);
    last.close();
  }));
