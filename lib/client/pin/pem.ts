/** A certificate as text (RFC 7468). Pure. */

export function toPem(der: Uint8Array): string {
  // No call takes as many arguments as a certificate of a server that means harm can have bytes.
  let binary = "";
  for (const byte of der) binary += String.fromCharCode(byte);
  const lines = btoa(binary).match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
