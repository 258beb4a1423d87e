/** A server with a certificate of an authority that nobody trusts but who is told to. */

/** An authority made for these tests, valid until 2120. */
export const AUTHORITY = `\
-----BEGIN CERTIFICATE-----
MIIBYjCCAQegAwIBAgIBATAKBggqhkjOPQQDAjAfMR0wGwYDVQQDDBRGZXJyeSB0
ZXN0IGF1dGhvcml0eTAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFow
HzEdMBsGA1UEAwwURmVycnkgdGVzdCBhdXRob3JpdHkwWTATBgcqhkjOPQIBBggq
hkjOPQMBBwNCAASyOjYc0yufWpAE3pmP7NLViBzE7WUPl6vXAio9vd12FXVtcTPi
WqMd+0T/Z0uHlb9cZ4H8fg2BA2uQ9ssIMSbLozIwMDAPBgNVHRMBAf8EBTADAQH/
MB0GA1UdDgQWBBTko7vZGZiT6kX57Vm6EkTWdjnsmjAKBggqhkjOPQQDAgNJADBG
AiEA5dJs2oe9zZZR4attzruVw9NF7pv5u059bJhObXWGSVUCIQCbhX3iqP1we49c
c9RzySVWcf1FoEkizfRsGDyBtYRIbQ==
-----END CERTIFICATE-----
`;

/** A certificate of it for localhost alone. */
export const CERTIFICATE = `\
-----BEGIN CERTIFICATE-----
MIIBhjCCAS2gAwIBAgIBAjAKBggqhkjOPQQDAjAfMR0wGwYDVQQDDBRGZXJyeSB0
ZXN0IGF1dGhvcml0eTAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFow
FDESMBAGA1UEAwwJbG9jYWxob3N0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
1ZqqVyRBRD+I/qfxyoadlqflgxRhMpdbwp7Z0i6E9r/r7YuU2cfPqDmt2rrCWNOl
M7P89riaji+udFVbiqDGDaNjMGEwCQYDVR0TBAIwADAUBgNVHREEDTALgglsb2Nh
bGhvc3QwHQYDVR0OBBYEFBqR3YiM9RXwIUHoLtinUD7AXxZ2MB8GA1UdIwQYMBaA
FOSju9kZmJPqRfntWboSRNZ2OeyaMAoGCCqGSM49BAMCA0cAMEQCIDLvsCDzzXZM
IIRBLK4V8d9TL+AyVfgoSq97elaX8XFSAiAWukr1zG2B3oishm5UmhxCm68aC7dk
lTHGVkFVWwSyMA==
-----END CERTIFICATE-----
`;

/** Its key. Guards nothing: it is here for everybody to read. */
export const KEY = `\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg7TgLFi3oZveYupPK
DQllwKbycMg0pNh++mlvdSKfLxChRANCAATVmqpXJEFEP4j+p/HKhp2Wp+WDFGEy
l1vCntnSLoT2v+vti5TZx8+oOa3ausJY06Uzs/z2uJqOL650VVuKoMYN
-----END PRIVATE KEY-----
`;

/** Answers every request with the credentials that it came with. */
export function tlsServer() {
  return Deno.serve(
    { hostname: "127.0.0.1", port: 0, cert: CERTIFICATE, key: KEY, onListen() {} },
    (request) => new Response(`secure ${request.headers.get("authorization")}`),
  );
}
