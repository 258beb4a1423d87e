import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type ErrorCode, FerryError } from "../core/errors.ts";
import { FetchError, toFerryError } from "./fetch_error.ts";

const URL_ = new URL("http://host.example:81/secret-path");

// As Deno 2.9 (text in the cause) and 2.4 (text in the message) say it.
const CASES: [ErrorCode, string, { transient: boolean; sent: boolean }][] = [
  [
    "host_not_found",
    "error sending request for url (http://h/): client error (Connect): dns error: failed to lookup address information: Name or service not known",
    { transient: false, sent: false },
  ],
  [
    "host_not_found",
    "client error (Connect): dns error: failed to lookup address information: Temporary failure in name resolution",
    { transient: true, sent: false },
  ],
  ["no_connection", "Fetch failed: Requests to port 1 are blocked", { transient: false, sent: false }],
  [
    "no_connection",
    "client error (Connect): tcp connect error: Connection refused (os error 111)",
    { transient: true, sent: false },
  ],
  [
    "no_connection",
    "client error (Connect): tcp connect error: Network is unreachable (os error 101)",
    { transient: true, sent: false },
  ],
  ["no_connection", "client error (Connect): No such file or directory (os error 2)", {
    transient: false,
    sent: false,
  }],
  ["untrusted_certificate", "client error (Connect): invalid peer certificate: UnknownIssuer", {
    transient: false,
    sent: false,
  }],
  ["tls_handshake", "client error (Connect): received corrupt message of type InvalidContentType", {
    transient: false,
    sent: false,
  }],
  ["tls_handshake", "client error (Connect): tls handshake eof", { transient: false, sent: false }],
  ["tls_handshake", "client error (Connect): received fatal alert: HandshakeFailure", {
    transient: false,
    sent: false,
  }],
  ["partial_transfer", "error reading a body from connection", { transient: true, sent: true }],
  ["partial_transfer", "client error (SendRequest): connection closed before message completed", {
    transient: true,
    sent: true,
  }],
  [
    "partial_transfer",
    "client error (SendRequest): connection error: Connection reset by peer (os error 104)",
    {
      transient: true,
      sent: true,
    },
  ],
  ["protocol", "client error (SendRequest): invalid HTTP version parsed", { transient: false, sent: true }],
  ["protocol", "client error (SendRequest): message head is too large", { transient: false, sent: true }],
  ["protocol", "something never seen before", { transient: false, sent: true }],
];

Deno.test("toFerryError() finds code and facts in the texts of both runtimes, and names the host", () => {
  for (const [code, text, facts] of CASES) {
    const shapes = [new TypeError(text), new TypeError("fetch failed", { cause: new Error(text) })];
    for (const shape of shapes) {
      const error = toFerryError(shape, URL_);
      assert(error instanceof FetchError);
      assertEquals([text, error.code, error.facts], [text, code, facts]);
      assertStringIncludes(error.message, "host.example");
    }
  }
});

Deno.test("toFerryError() says in words what is wrong with a certificate", () => {
  const cases: [text: string, says: string][] = [
    ["UnknownIssuer", "nobody has signed it who is trusted here"],
    [
      "certificate expired: verification time 2 (UNIX), but certificate is not valid after 1",
      "it has expired",
    ],
    ["Expired", "it has expired"],
    ["NotValidYet", "it is not valid yet"],
    ["Other(OtherError(CaUsedAsEndEntity))", "it is an authority's"],
    [
      'certificate not valid for name "a"; certificate is only valid for DnsName("b") or IpAddress(127.0.0.1)',
      'not valid for name "a"; certificate is only valid for b or 127.0.0.1;',
    ],
  ];
  for (const [text, says] of cases) {
    const error = toFerryError(
      new TypeError(`client error (Connect): invalid peer certificate: ${text}`),
      URL_,
    );
    assertEquals(error.code, "untrusted_certificate");
    assertStringIncludes(error.message, says);
  }
});

Deno.test("toFerryError() gives back the FerryError that lies underneath, and knows time limits", () => {
  const inner = new FerryError("read_failed", "cannot read x");
  assertEquals(toFerryError(new TypeError("fetch failed", { cause: inner }), URL_), inner);
  assertEquals(toFerryError(new DOMException("late", "TimeoutError"), URL_).code, "timeout");
});

Deno.test("toFerryError() shows no control characters and names the socket", () => {
  const error = toFerryError(new TypeError("x \u001b[31m y"), URL_, { unix: "/run/s" });
  assertStringIncludes(error.message, "\\x1b");
  assertStringIncludes(error.message, "/run/s");
});
