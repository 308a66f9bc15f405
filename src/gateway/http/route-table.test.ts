/** Paths are compared as they are written. */
import { describe, expect, it } from "vitest";
import type { Route } from "./contract.ts";
import { createRouteTable } from "./route-table.ts";

const nothing = (): void => undefined;
const routes: readonly Route[] = [
  { method: "GET", path: "/health", scope: null, handle: nothing },
  { method: "POST", path: "/v1/things", scope: "operator.write", handle: nothing },
  { method: "GET", path: "/v1/things/{id}", scope: "operator.read", handle: nothing },
  { method: "DELETE", path: "/v1/things/{id}", scope: "operator.write", handle: nothing },
  { method: "GET", path: "/off", scope: null, enabled: () => false, handle: nothing },
  // A later route of the same name: it must never be reached.
  { method: "POST", path: "/v1/things", scope: null, handle: nothing },
];
const table = createRouteTable(routes, (route) => route.enabled === undefined);

/** Spellings of a guarded path that some server, proxy or library once took for the path itself. */
const pathEncodings: readonly string[] = [
  "/v1/%74hings",
  "/v1/thing%73",
  "/%761/things",
  "/%56%31/things",
  "/v1%2fthings",
  "/v1%2Fthings",
  "/v1%5cthings",
  "/v1%5Cthings",
  "/v1\\things",
  "\\v1\\things",
  "//v1/things",
  "///v1/things",
  "/v1//things",
  "/v1///things",
  "/v1/things/",
  "/v1/things//",
  "/v1/./things",
  "/./v1/things",
  "/v1/../v1/things",
  "/../v1/things",
  "/x/../v1/things",
  "/v1/%2e/things",
  "/%2e/v1/things",
  "/v1/%2e%2e/v1/things",
  "/%2e%2e/v1/things",
  "/v1/.%2e/v1/things",
  "/v1/%2E%2E/v1/things",
  "/V1/things",
  "/v1/Things",
  "/v1/THINGS",
  "/V1/THINGS",
  "/v1;/things",
  "/v1/things;",
  "/v1/things;x=1",
  "/v1;x/things",
  "/;/v1/things",
  "/v1/things%3b",
  "/v1/things%00",
  "/v1/things%00.js",
  "/v1/things%0a",
  "/v1/things%0d%0a",
  "/v1/things%20",
  "/%20v1/things",
  "/v1/things%09",
  "/v1/things.",
  "/v1/things..",
  "/v1/things%2e",
  "/v1/things%23",
  "/v1/things%3f",
  "/v1/%252e%252e/v1/things",
  "/v1%252fthings",
  "/v1/thi%6egs",
  "/%u0076%u0031/things",
  "/v1/things%c0%af",
  "/v1/%c0%ae%c0%ae/things",
  "/v1/things%ff",
  "/v1/%",
  "/v1/%zz",
  "/v1/things/%2e%2e",
  "/v1/things/..%2f",
  "/v1/things/%5c..",
  "/health/../v1/things",
  "/health/%2e%2e/v1/things",
  "/chat/..;/v1/things",
  "/v1/\u{ff0e}\u{ff0e}/things",
];

describe("a route table", () => {
  it("D12: finds exact paths, ignores the query, and serves HEAD by GET", () => {
    expect(table.match("GET", "/health")).toMatchObject({ kind: "route", path: "/health" });
    expect(table.match("HEAD", "/health?x=1")).toMatchObject({ kind: "route" });
    expect(table.match("POST", "/v1/things?token=x#y")).toMatchObject({
      kind: "route",
      route: { scope: "operator.write" },
    });
  });

  it("D12: decodes an id once, and an id is one segment", () => {
    expect(table.match("GET", "/v1/things/openclaw%2Fwork")).toMatchObject({ param: "openclaw/work" });
    expect(table.match("GET", "/v1/things/a%252Fb")).toMatchObject({ param: "a%2Fb" });
    expect(table.match("GET", "/v1/things/a/b")).toEqual({ kind: "none", guarded: true });
  });

  it("D12: a wrong method names the right ones; what is switched off is not there", () => {
    expect(table.match("PUT", "/v1/things")).toEqual({ kind: "method", guarded: true, allowed: ["POST"] });
    expect(table.match("POST", "/health")).toEqual({ kind: "method", guarded: false, allowed: ["GET", "HEAD"] });
    expect(table.match("POST", "/v1/things/x")).toMatchObject({ allowed: ["GET", "HEAD", "DELETE"] });
    expect(table.match("GET", "/off")).toEqual({ kind: "none", guarded: false });
    expect(table.match("PUT", "/off")).toEqual({ kind: "none", guarded: false });
  });

  it("R028: sixty spellings of a guarded path reach nothing, and learn nothing without a credential", () => {
    expect(pathEncodings.length).toBeGreaterThanOrEqual(60);
    for (const path of pathEncodings) {
      const match = table.match("POST", path);
      expect(match.kind, path).not.toBe("route");
      expect(match, path).toMatchObject({ guarded: true });
    }
  });

  it("D12: what is no path at all is guarded too", () => {
    for (const target of ["*", "", "http://evil.example/health", "health", `/${"a".repeat(10_000)}`]) {
      expect(table.match("GET", target), target.slice(0, 20)).toEqual({ kind: "none", guarded: true });
    }
  });
});
