import { describe, expect, it } from "vitest";
import { defaultConfig } from "../../config/default-config.ts";
import type { Config } from "../../config/schema/root.ts";
import { createHostGuard } from "./host-guard.ts";

function verdict(headers: Record<string, string>, part: Partial<Config["gateway"]> = {}): number {
  const gateway = { ...defaultConfig().gateway, ...part };
  const error = createHostGuard(() => gateway).check(headers);
  return error === null ? 200 : Number(error.details["httpStatus"]);
}

const open = (allowedOrigins: string[]) => ({ controlUi: { enabled: true, allowedOrigins } });

describe("the host guard", () => {
  it("R015: a host that is not ours is 421, a rebound name above all", () => {
    for (const host of [
      "127.0.0.1:18789",
      "localhost:18789",
      "[::1]:18789",
      "LOCALHOST",
      "ui.localhost:1",
      "127.0.0.1",
    ]) {
      expect(verdict({ host }), host).toBe(200);
    }
    for (const host of [
      "evil.example",
      "evil.example:18789",
      "localhost.evil.example",
      "127.0.0.1.evil.example",
      "10.0.0.1",
      "",
      "a@localhost",
      "localhost/x",
      "localhost:99999",
    ]) {
      expect(verdict({ host }), host).toBe(421);
    }
    expect(verdict({})).toBe(421);
  });

  it("on a gateway that listens to the network an address is ours, a foreign name is not", () => {
    for (const host of ["192.168.1.5:18789", "[fd00::1]:18789"])
      expect(verdict({ host }, { bind: "lan" }), host).toBe(200);
    expect(verdict({ host: "evil.example" }, { bind: "lan" })).toBe(421);
    expect(verdict({ host: "claw.example" }, { bind: "lan", ...open(["https://claw.example"]) })).toBe(200);
    expect(verdict({ host: "claw.example" }, { bind: "lan", host: "claw.example" })).toBe(200);
  });

  it("R16 R014: an origin that is not the page's own is 403", () => {
    const host = "127.0.0.1:18789";
    expect(verdict({ host, origin: "http://127.0.0.1:18789" })).toBe(200);
    expect(verdict({ host: "localhost:18789", origin: "http://localhost:18789" })).toBe(200);
    for (const origin of [
      "null",
      "http://evil.example",
      "http://localhost:18789",
      "http://127.0.0.1:3000",
      "https://127.0.0.1.evil.example:18789",
      "file://",
      "chrome-extension://abc",
      "",
    ]) {
      expect(verdict({ host, origin }), origin).toBe(403);
    }
    expect(verdict({ host, origin: "tauri://localhost" }, open(["tauri://localhost"]))).toBe(200);
    expect(verdict({ host, origin: "https://claw.example" }, open(["https://claw.example/"]))).toBe(200);
  });
});
