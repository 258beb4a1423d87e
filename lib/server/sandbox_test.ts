import { assertEquals } from "@std/assert";
import { DEFAULT_LIMITS } from "./limits/limits.ts";
import { TOP } from "./mounts.ts";
import { permissionsOf, type Role } from "./sandbox.ts";
import type { ServerSettings } from "./settings.ts";

function settings(root: string, more: Partial<ServerSettings> = {}): ServerSettings {
  return {
    place: { kind: "tcp", host: "127.0.0.1", port: 8420 },
    workers: 2,
    accounts: { anonymous: [{ path: "", perms: 1 }], users: [] },
    shares: [{
      mount: TOP,
      root,
      writable: false,
      cors: [],
      hidden: false,
      follow: "inside",
      compress: true,
      precompressed: false,
      archives: true,
      state: { dir: "/state/shares/1", home: "/state" },
    }],
    peers: [],
    cors: [],
    limits: DEFAULT_LIMITS,
    log: "none",
    metrics: false,
    key: new Uint8Array(32),
    ...more,
  };
}

const PLACE = { libc: "/lib/libc.so.6", handover: "/tmp/h" };

function paths(given: ServerSettings, role: Role): Record<string, unknown> {
  const permissions = permissionsOf(given, role, PLACE);
  if (typeof permissions === "string") return { permissions };
  const { read, write, ffi, run, env } = permissions;
  return { read, write, ffi, run, env };
}

Deno.test("permissionsOf() lets a primary write its state, and the share only where somebody may", () => {
  const read = ["/srv/files", "/state/shares/1", "/state", "/tmp/h"];
  const rest = { ffi: ["/lib/libc.so.6"], run: false, env: false };
  assertEquals(paths(settings("/srv/files"), "primary"), {
    read,
    write: ["/state/shares/1", "/state", "/tmp/h"],
    ...rest,
  });
  const { shares: [share] } = settings("/srv/files");
  assertEquals(paths(settings("/srv/files", { shares: [{ ...share, writable: true }] }), "primary"), {
    read,
    write: ["/state/shares/1", "/state", "/srv/files", "/tmp/h"],
    ...rest,
  });
});

Deno.test("permissionsOf() lets a reader write nothing, call no library and connect to nobody else", () => {
  const peers = [{ origin: "https://other.example", path: "" }];
  const reader = permissionsOf(
    settings("/srv/files", { peers }),
    "reader",
    PLACE,
  ) as Deno.PermissionOptionsObject;
  assertEquals(reader.write, ["/tmp/h"]);
  assertEquals([reader.ffi, reader.sys], [false, false]);
  assertEquals((reader.net as string[]).includes("other.example:443"), false);
  const primary = permissionsOf(
    settings("/srv/files", { peers }),
    "primary",
    PLACE,
  ) as Deno.PermissionOptionsObject;
  assertEquals((primary.net as string[]).includes("other.example:443"), true);
});

Deno.test("permissionsOf() gives up where the runtime has no permission for a part of the system", () => {
  for (const root of ["/", "/dev/shm/x", "/proc", "/sys/kernel"]) {
    assertEquals(permissionsOf(settings(root), "reader", PLACE), "inherit");
  }
  assertEquals(permissionsOf(settings("/srv"), "primary", { ...PLACE, libc: null }), "inherit");
  assertEquals(typeof permissionsOf(settings("/devices"), "reader", { ...PLACE, libc: null }), "object");
});
