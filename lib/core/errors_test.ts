import { assertEquals } from "@std/assert";
import {
  codeOfStatus,
  ERROR_TABLE,
  exitStatus,
  FerryError,
  httpStatus,
  osCode,
  osReason,
  quote,
  readError,
  writeError,
} from "./errors.ts";

/** What `act` throws: the errors of the runtime itself, not made-up ones. */
function thrown(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

Deno.test("osCode() and osReason() name what the operating system said", () => {
  const dir = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(`${dir}/file`, "x");
    Deno.symlinkSync("loop", `${dir}/loop`);
    const cases: [string, () => unknown, string | undefined, string][] = [
      ["missing", () => Deno.lstatSync(`${dir}/none`), "ENOENT", "no such file or directory"],
      ["below a file", () => Deno.lstatSync(`${dir}/file/x`), "ENOTDIR", "a parent is not a directory"],
      ["not empty", () => Deno.removeSync(dir), "ENOTEMPTY", "directory not empty"],
      ["long name", () => Deno.lstatSync(`${dir}/${"n".repeat(300)}`), "ENAMETOOLONG", "file name too long"],
      ["loop", () => Deno.statSync(`${dir}/loop`), "ELOOP", "too many levels of symbolic links"],
      ["folder as file", () => Deno.writeTextFileSync(dir, "x"), "EISDIR", "is a directory"],
      ["full", () => Deno.writeTextFileSync("/dev/full", "x"), "ENOSPC", "no space left on device"],
    ];
    for (const [label, act, code, reason] of cases) {
      const error = thrown(act);
      assertEquals([label, osCode(error), osReason(error)], [label, code, reason]);
    }
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("osCode() reads the number where there is no name, and knows when it cannot tell", () => {
  const cases: [unknown, string | undefined][] = [
    [new Error("No space left on device (os error 28)"), "ENOSPC"],
    [new Error("Disk quota exceeded (os error 122): write"), "EDQUOT"],
    [new Error("Read-only file system (os error 30), open '/x'"), "EROFS"],
    [new Error("something (os error 9999)"), undefined],
    [Object.assign(new Error("x"), { code: "EIO" }), "EIO"],
    [Object.assign(new Error("x (os error 13)"), { code: 13 }), "EACCES"],
    [new Error("plain"), undefined],
    ["EIO", undefined],
    [null, undefined],
  ];
  for (const [error, code] of cases) assertEquals(osCode(error), code);
});

Deno.test("osReason() drops the runtime's wrapping and the path", () => {
  const cases: [unknown, string][] = [
    [
      new Deno.errors.PermissionDenied("Permission denied (os error 13): open '/secret'"),
      "permission denied",
    ],
    [new Error("Weird trouble (os error 77): open '/secret/path'"), "weird trouble"],
    [new Error("TypeError: Strange"), "strange"],
    ["Text", "text"],
  ];
  for (const [error, reason] of cases) assertEquals(osReason(error), reason);
});

Deno.test("quote() shows control characters instead of sending them to a terminal", () => {
  const cases: [string, string][] = [
    ["plain é 😀 'x' \"y\" \\", "plain é 😀 'x' \"y\" \\"],
    ["a\nb\tc\rd", "a\\nb\\tc\\rd"],
    ["\x1b[31mred\x07", "\\x1b[31mred\\x07"],
    ["\0\x7f\x9b", "\\x00\\x7f\\x9b"],
    ["a\u202etxt.exe\u2066", "a\\u202etxt.exe\\u2066"],
  ];
  for (const [text, shown] of cases) assertEquals(quote(text), shown);
});

Deno.test("writeError() tells a full disk from other trouble and names the path", () => {
  const cases: [Error, FerryError["code"], string][] = [
    [
      new Error("No space left on device (os error 28)"),
      "disk_full",
      "cannot write /d/f\\n: no space left on device",
    ],
    [new Error("x (os error 122)"), "disk_full", "cannot write /d/f\\n: disk quota exceeded"],
    [new Deno.errors.PermissionDenied("x"), "write_failed", "cannot write /d/f\\n: permission denied"],
  ];
  for (const [error, code, message] of cases) {
    const wrapped = writeError(error, "/d/f\n");
    assertEquals([wrapped.code, wrapped.message, wrapped.cause], [code, message, error]);
  }
  const known = new FerryError("guard", "as it was");
  assertEquals([writeError(known, "/x"), readError(known, "/x")], [known, known]);
  assertEquals(
    readError(new Deno.errors.NotFound("x"), "/x").message,
    "cannot read /x: no such file or directory",
  );
});

Deno.test("exitStatus() and httpStatus() follow the contract's table", () => {
  const exits: [FerryError["code"], number, number][] = [
    ["usage", 2, 400],
    ["bad_url", 3, 400],
    ["host_not_found", 6, 502],
    ["no_connection", 7, 502],
    ["partial_transfer", 18, 502],
    ["http_status", 22, 502],
    ["write_failed", 23, 500],
    ["disk_full", 23, 507],
    ["read_failed", 26, 500],
    ["timeout", 28, 408],
    ["no_ranges", 33, 502],
    ["tls_handshake", 35, 502],
    ["guard", 41, 409],
    ["checksum_mismatch", 43, 400],
    ["too_many_redirects", 47, 502],
    ["untrusted_certificate", 60, 502],
    ["unauthorized", 67, 401],
    ["forbidden", 67, 403],
  ];
  for (const [code, exit, status] of exits) {
    const error = new FerryError(code, "x");
    assertEquals([code, exitStatus(error), httpStatus(error)], [code, exit, status]);
  }
  assertEquals([exitStatus(new Error("x")), httpStatus("x")], [1, 500]);
});

Deno.test("codeOfStatus() gives a code whose own status is the one that came", () => {
  for (const status of [401, 403, 404, 409, 410, 412, 413, 507]) {
    assertEquals(ERROR_TABLE[codeOfStatus(status)].status, status);
  }
  for (const status of [400, 418, 500, 503]) assertEquals(codeOfStatus(status), "http_status");
});
