/** Whom a request comes from, as a log shows it: an IP address, or `unix` for whoever may use the socket. */
export function remoteText(address: Deno.Addr): string {
  return "hostname" in address ? address.hostname : "unix";
}
