import { assert, assertEquals } from "@std/assert";
import { type ErrorCode, FerryError, writeError } from "../core/errors.ts";
import { failureReply, HttpError } from "./failure.ts";

const system = (code: string) => Object.assign(new Error(`it failed (os error 0): /srv/secret`), { code });

const CASES: [about: string, error: unknown, status: number, code: ErrorCode, logged: boolean][] = [
  ["what a request did wrong", new FerryError("conflict", "in the way"), 409, "conflict", false],
  ["a full disk", writeError(system("ENOSPC"), "/srv/secret"), 507, "disk_full", true],
  ["a full disk, raw", system("ENOSPC"), 507, "disk_full", true],
  ["a write that is not allowed", writeError(system("EACCES"), "/srv/secret"), 403, "forbidden", false],
  ["a busy mount point", writeError(system("EBUSY"), "/srv/secret"), 409, "conflict", false],
  ["a write that failed", writeError(system("EIO"), "/srv/secret"), 500, "write_failed", true],
  ["a file that vanished", new Deno.errors.NotFound("/srv/secret"), 404, "not_found", false],
  ["a file that may not be read", new Deno.errors.PermissionDenied("/srv/secret"), 403, "forbidden", false],
  ["a file that became a folder", system("EISDIR"), 409, "conflict", false],
  ["a folder that became a file", new Deno.errors.NotADirectory("/srv/secret"), 409, "conflict", false],
  ["a folder that somebody else made", writeError(system("EEXIST"), "/srv/secret"), 409, "conflict", false],
  [
    "a method that nobody knows",
    new FerryError("not_implemented", "no such method"),
    501,
    "not_implemented",
    false,
  ],
  [
    "a link that the sandbox does not follow",
    new Deno.errors.NotCapable("/srv/secret"),
    404,
    "not_found",
    false,
  ],
  ["a mistake of the programmer", new TypeError("/srv/secret is undefined"), 500, "internal", true],
  ["something that is no error", "/srv/secret", 500, "internal", true],
];

for (const [about, error, status, code, logged] of CASES) {
  Deno.test(`failureReply() answers ${about} with ${status} and tells no path of the server`, () => {
    const { reply, internal } = failureReply(error, { accept: null });
    const body = JSON.parse(String(reply.body));
    assertEquals([reply.status, body.status, body.code, internal !== null], [status, status, code, logged]);
    assert(!String(reply.body).includes("secret"));
  });
}

Deno.test("failureReply() says why there is no such method", () => {
  const { reply } = failureReply(new FerryError("not_implemented", "there is no such method"), {
    accept: null,
  });
  assertEquals(JSON.parse(String(reply.body)).detail, "there is no such method");
});

Deno.test("failureReply() adds the headers that an answer must have", () => {
  const allowed = new HttpError("method_not_allowed", "no", { allow: "GET" });
  assertEquals(failureReply(allowed, { accept: null }).reply.headers.allow, "GET");
  const login = new FerryError("unauthorized", "log in");
  assert(failureReply(login, { accept: null }).reply.headers["www-authenticate"].startsWith("Basic "));
});
