/** Which addresses are public, in every way to write one, judged after the URL parser has had its say. */
import { describe, expect, it } from "vitest";
import { silentLog } from "../log.ts";
import { createEgress } from "../egress.ts";
import { isPublicAddress, matchesHost } from "./address.ts";

const egress = createEgress({ allowPrivate: () => false, log: silentLog() });
const verdict = (url: string): string => {
  try {
    return `allowed as ${egress.check(url).url.href}`;
  } catch (error) {
    return (error as { code: string }).code;
  }
};

const privateV4 = [
  "127.0.0.1",
  "0.0.0.0",
  "10.1.2.3",
  "100.64.0.1",
  "169.254.169.254",
  "172.16.31.1",
  "192.168.1.1",
  "198.18.0.1",
];

/** Every spelling of an IPv4 address that a URL parser, a resolver or a gateway has been seen to understand. */
function spellings(dotted: string): string[] {
  const parts = dotted.split(".").map(Number) as [number, number, number, number];
  const [a, b, c, d] = parts;
  const number = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  const hex = number.toString(16).padStart(8, "0");
  const groups = `${hex.slice(0, 4)}:${hex.slice(4)}`;
  return [
    dotted,
    `${dotted}.`,
    String(number),
    `0x${hex}`,
    `0X${hex.toUpperCase()}`,
    `0${number.toString(8)}`,
    parts.map((part) => `0x${part.toString(16)}`).join("."),
    parts.map((part) => `0${part.toString(8)}`).join("."),
    parts.map((part) => `000${part.toString(8)}`).join("."),
    `${a}.${(b << 16) | (c << 8) | d}`,
    `${a}.${b}.${(c << 8) | d}`,
    `0x${a.toString(16)}.${(b << 16) | (c << 8) | d}`,
    // Full-width and circled digits, ideographic dots, escapes.
    dotted.replaceAll(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))),
    dotted.replaceAll(/[1-9]/g, (digit) => String.fromCodePoint(0x2460 + Number(digit) - 1)),
    dotted.replaceAll(".", "。"),
    [...dotted].map((char) => `%${char.charCodeAt(0).toString(16)}`).join(""),
    `[::ffff:${dotted}]`,
    `[::ffff:${groups}]`,
    `[0:0:0:0:0:ffff:${groups}]`,
    `[0000:0000:0000:0000:0000:FFFF:${groups.toUpperCase()}]`,
    `[::${dotted}]`,
    `[::ffff:0:${dotted}]`,
    `[64:ff9b::${dotted}]`,
    `[64:ff9b:1::${groups}]`,
    `[2002:${groups}::]`,
    `[2001:0:${groups}::1]`,
    `[fe80::5efe:${groups}]`,
  ];
}

const otherForms = [
  "localhost",
  "LOCALHOST",
  "localhost.",
  "localhost..",
  "x.localhost",
  "x.localhost.",
  "ｌｏｃａｌｈｏｓｔ",
  "loc%61lhost",
  "[::]",
  "[::1]",
  "[0:0:0:0:0:0:0:1]",
  "[fe80::1]",
  "[fc00::1]",
  "[fd12:3456::1]",
  "[fec0::1]",
  "[ff02::1]",
  "[100::1]",
  "[2001:db8::1]",
  "[3fff::1]",
  "[5f00::1]",
  "[1::1]",
  "[4000::1]",
  "[e000::1]",
  "127.1",
  "127.0.1",
  "0",
  "0x0",
  "0x7f.1",
  "017700000001",
  "255.255.255.255",
  "224.0.0.1",
  "240.0.0.1",
  "192.0.2.1",
  "198.51.100.1",
  "203.0.113.1",
  "192.88.99.1",
];

describe("addresses", () => {
  const forms = [...privateV4.flatMap(spellings), ...otherForms];

  it("R082: of two hundred and more ways to name a private address none passes", () => {
    expect(forms.length).toBeGreaterThan(200);
    for (const form of forms) {
      for (const url of [`http://${form}/`, `https://${form}:8443/x`])
        expect(`${url} ${verdict(url)}`).toBe(`${url} SEC_005`);
    }
  });

  it("R082: the same addresses are refused where a name resolves to them", () => {
    for (const dotted of privateV4) {
      for (const address of [dotted, `::ffff:${dotted}`, `::${dotted}`, `64:ff9b::${dotted}`])
        expect(isPublicAddress(address)).toBe(false);
    }
    for (const broken of ["", "x", "1.2.3", "999.1.1.1", "::1%lo", "fe80::1%eth0", "8.8.8.8/32"])
      expect(isPublicAddress(broken)).toBe(false);
  });

  it.each([
    "http://8.8.8.8/",
    "https://1.1.1.1:8443/",
    "http://134744072/",
    "http://[2606:4700::1111]/",
    "http://[::ffff:8.8.8.8]/",
    "https://example.org/path?q=1",
  ])("passes the public address %s", (url) => {
    expect(verdict(url)).toMatch(/^allowed/);
  });

  it("R083: a trailing dot changes nothing, also for the list of allowed hosts", () => {
    expect(egress.check("http://example.org./x").url.href).toBe("http://example.org/x");
    const listed = createEgress({
      allowHosts: ["example.org", "*.example.com"],
      allowPrivate: () => false,
      log: silentLog(),
    });
    for (const host of ["example.org", "example.org.", "EXAMPLE.org", "a.example.com", "a.b.example.com."]) {
      expect(() => listed.check(`https://${host}/`)).not.toThrow();
    }
    for (const host of ["example.com", "notexample.com", "example.org.evil.test", "evil-example.org", "8.8.8.8"]) {
      expect(() => listed.check(`https://${host}/`)).toThrow(expect.objectContaining({ code: "SEC_005" }));
    }
    expect(matchesHost("*.example.org", "example.org")).toBe(false);
    expect(matchesHost("*.example.org", ".example.org")).toBe(false);
  });

  it("R086: what is judged is what the URL parser will have dialled", () => {
    const cases: readonly (readonly [string, string])[] = [
      ["http://example.org\\@127.0.0.1/", "example.org"],
      ["http://example.org/@127.0.0.1", "example.org"],
      ["http://example.org#@127.0.0.1/", "example.org"],
      ["http://example.org?@127.0.0.1/", "example.org"],
      ["http:example.org", "example.org"],
      ["http:\\\\example.org", "example.org"],
      ["  http://example.org\n/", "example.org"],
      ["http://exa\tmple.org/", "example.org"],
    ];
    for (const [url, host] of cases) expect(egress.check(url).url.hostname).toBe(host);
    for (const url of [
      "http://example.org@127.0.0.1/",
      "http://127.0.0.1\\@example.org/",
      "http://127.0.0.1#@example.org",
      "http:127.0.0.1",
      "http:/\\127.0.0.1",
    ]) {
      expect(verdict(url)).toBe("SEC_005");
    }
  });

  it.each([
    "",
    "x",
    "//example.org",
    "ftp://example.org/",
    "file:///etc/passwd",
    "data:text/plain,x",
    "javascript:1",
    "ws://example.org/",
    "http://",
    "http://u@example.org/",
    "http://u:p@example.org/",
    "http://:p@example.org/",
    "http://./",
  ])("refuses %j", (url) => {
    expect(verdict(url)).toBe("SEC_005");
  });

  it("asks an administrator's rule for what is private, and names the whole address", () => {
    const asked: string[] = [];
    const allowing = createEgress({
      allowPrivate: (url) => (asked.push(url.href), url.port === "8080"),
      log: silentLog(),
    });
    expect(allowing.check("http://127.0.0.1:8080/x").url.host).toBe("127.0.0.1:8080");
    expect(() => allowing.check("http://127.0.0.1:8081/x")).toThrow(expect.objectContaining({ code: "SEC_005" }));
    expect(asked).toEqual(["http://127.0.0.1:8080/x", "http://127.0.0.1:8081/x"]);
  });
});
