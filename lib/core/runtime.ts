/** What is different on older versions of Deno. */

/**
 * Whether this is Deno before 2.9. Those compress bodies by themselves, take requests with both Content-Length and
 * Transfer-Encoding, and let a gigabyte of buffers go by before they collect one.
 */
export const OLD_RUNTIME = isBefore(Deno.version.deno, 2, 9);

function isBefore(version: string, major: number, minor: number): boolean {
  const [a, b] = version.split(".").map(Number);
  return a < major || (a === major && b < minor);
}
