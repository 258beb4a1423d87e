import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { FerryError } from "../../core/errors.ts";
import { LockedError, lockFolder } from "../../store/lock.ts";
import { PushSessions } from "./sessions.ts";

const HOLDER = { source: "/src", host: "elsewhere", pid: 7, since: 0 };
const OWNER = "ann";

/** A share with sessions; `start(name)` is who begins one in its folder `name`. */
function makeShare() {
  const root = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "ferry-sessions-" }));
  for (const name of ["a", "b"]) Deno.mkdirSync(`${root}/${name}`);
  const sessions = new PushSessions(root);
  return {
    root,
    sessions,
    start: (name: string, owner = OWNER) => ({
      owner,
      folder: name === "" ? root : `${root}/${name}`,
      holder: HOLDER,
      options: { fsync: true, trash: true },
    }),
    held: () => [...Deno.readDirSync(root)].some(({ name }) => name === ".ferry"),
    [Symbol.asyncDispose]: async () => {
      await sessions.close();
      Deno.removeSync(root, { recursive: true });
    },
  };
}

const id = () => crypto.randomUUID();
const nothing = () => {};

Deno.test("PushSessions holds the share's lock while any client is connected", async () => {
  await using share = makeShare();
  const { sessions, start } = share;
  const [a, b] = [id(), id()];
  const one = await sessions.begin(a, start("a"), nothing);
  await sessions.begin(b, start("b"), nothing);
  await assertRejects(() => lockFolder(share.root, HOLDER), LockedError, "/src");
  one.detach();
  await assertRejects(() => lockFolder(share.root, HOLDER), LockedError);
  await sessions.end(b, OWNER);
  (await lockFolder(share.root, HOLDER)).release();
  assertEquals((await sessions.begin(a, start("a"), nothing)).answer, { known: true, parts: 0, left: false });
  await assertRejects(() => lockFolder(share.root, HOLDER), LockedError);
  await sessions.end(a, OWNER);
  assertEquals(share.held(), false);
});

Deno.test("PushSessions begins no push while one that was stopped still puts in place what it did", async () => {
  await using share = makeShare();
  const { sessions, start, root } = share;
  const [one, two] = [id(), id()];
  await sessions.begin(one, start("a"), nothing);
  const paths = Array.from({ length: 50 }, (_, i) => `d/f${i}`);
  await sessions.use(one, OWNER, () => `${root}/a`, async ({ writer }) => {
    const content = new Uint8Array(1000);
    const frames = paths.map((_, index) => ({
      kind: "file" as const,
      index,
      mtime: 1,
      mode: 0o644,
      content,
    }));
    await writer.stage(frames, paths);
    await writer.commit([
      { op: "mkdir", path: "d", mode: 0o755, expect: null },
      { op: "file", path: "d/f0", stage: 0, mode: 0o644, mtime: 1, expect: null },
    ]);
  }, { first: true });
  const ended = sessions.end(one, OWNER, { broken: true });
  const { answer } = await sessions.begin(two, start("a"), nothing);
  assertEquals([...Deno.readDirSync(`${root}/a/d`)].map(({ name }) => name), ["f0"]);
  assertEquals(answer, { known: false, parts: 0, left: true });
  await ended;
  await sessions.end(two, OWNER);
  assertEquals(share.held(), false);
});

Deno.test("PushSessions lets a client that was cut off come back, until somebody else begins there", async () => {
  await using share = makeShare();
  const { sessions, start } = share;
  const [mine, other] = [id(), id()];
  const use = (session: string) =>
    sessions.use(session, OWNER, () => share.root, () => Promise.resolve("done"));
  const attached = await sessions.begin(mine, start("a"), nothing);
  attached.detach();
  assertEquals(await use(mine), "done");
  assertEquals((await sessions.begin(mine, start("a"), nothing)).answer.known, true);
  // The old connection is found to be gone only now.
  attached.detach();
  const error = await assertRejects(() => sessions.begin(other, start("a"), nothing), LockedError);
  assertEquals([error.holder, error.message.includes(share.root)], [HOLDER, false]);
  await sessions.begin(mine, start("a"), nothing).then(({ detach }) => detach());
  assertEquals((await sessions.begin(other, start(""), nothing)).answer.known, false);
  assertEquals((await assertRejects(() => use(mine), FerryError)).code, "gone");
  await assertRejects(() => sessions.begin(mine, start("a"), nothing), LockedError);
});

Deno.test("PushSessions hangs up on the old connection of a client that comes by a new one", async () => {
  await using share = makeShare();
  let hungUp = 0;
  const session = id();
  await share.sessions.begin(session, share.start("a"), () => hungUp++);
  await share.sessions.begin(session, share.start("a"), nothing);
  assertEquals(hungUp, 1);
  await assertRejects(
    () => share.sessions.begin(session, share.start("a", "bob"), nothing),
    FerryError,
    "no such",
  );
});

Deno.test("PushSessions drops a client that says nothing for two minutes, connected or not", async () => {
  await using share = makeShare();
  const { sessions, start } = share;
  let hungUp = 0;
  const [quiet, busy] = [id(), id()];
  await sessions.begin(quiet, start("a"), () => hungUp++);
  await sessions.begin(busy, start("b"), nothing);
  const { promise, resolve } = Promise.withResolvers<void>();
  const working = sessions.use(busy, OWNER, () => `${share.root}/b`, () => promise);
  sessions.sweep(Date.now() + 119_000);
  assertEquals(hungUp, 0);
  sessions.sweep(Date.now() + 121_000);
  assertEquals(hungUp, 1);
  sessions.touch(busy, OWNER);
  const error = await assertRejects(
    () => Promise.resolve().then(() => sessions.touch(quiet, OWNER)),
    FerryError,
  );
  assertEquals(error.code, "gone");
  resolve();
  await working;
});

Deno.test("PushSessions says once more that there was no room, to whom the answer was lost", async () => {
  await using share = makeShare();
  const { sessions, start } = share;
  const mine = id();
  await sessions.begin(mine, start("a"), nothing);
  const version = { path: "f", size: 5_000_000, mtime: 0 };
  assertEquals(sessions.resumable(mine, OWNER, version), 0);
  const full = () => Promise.reject(new FerryError("disk_full", "no space left on the server"));
  await assertRejects(() => sessions.use(mine, OWNER, () => share.root, full), FerryError);
  const error = assertThrows(() => sessions.resumable(mine, OWNER, version), FerryError);
  assertEquals(error.code, "disk_full");
  assertEquals(sessions.resumable(mine, OWNER, version), 0);
});
