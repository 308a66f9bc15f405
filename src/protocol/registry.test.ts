import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { scopes } from "../domain/scopes.ts";
import { events } from "./events.ts";
import { aliases, methods, scopeMatrix } from "./registry.ts";
import { negotiateProtocol } from "./version.ts";

interface PublishedSchema {
  readonly methods: Readonly<Record<string, { readonly scope: string }>>;
}

async function publishedSchema(): Promise<PublishedSchema> {
  // The package exports its modules alone; the schema stands beside them.
  const entry = createRequire(import.meta.url).resolve("@openclaw/gateway-protocol");
  const path = join(dirname(entry), "..", "protocol.schema.json");
  return JSON.parse(await readFile(path, "utf8")) as PublishedSchema;
}

describe("the registry of methods", () => {
  it("E10: every method has a scope; only the handshake has none", () => {
    for (const { name, scope } of methods) {
      if (name === "connect") expect(scope).toBeNull();
      else expect(scopes, name).toContain(scope);
    }
    expect(new Set(methods.map(({ name }) => name)).size).toBe(methods.length);
  });

  it("E9: scopes equal the published table wherever it names one", async () => {
    const published = (await publishedSchema()).methods;
    // "dynamic" is decided there by what is asked; ours is the strictest of its cases.
    const differs = methods.filter(({ name, scope }) => {
      const theirs = published[name]?.scope;
      return theirs !== undefined && theirs !== "dynamic" && theirs !== scope;
    });
    expect(differs.map(({ name }) => name)).toEqual(["connect"]);
    expect(scopeMatrix["sessions.delete"]).toBe("operator.admin");
    expect(scopeMatrix["agent"]).toBe("operator.write");
  });

  it("no name means two things: aliases are no methods, and two of one name differ in when they hold", () => {
    const names = new Set(methods.map(({ name }) => name));
    for (const { alias } of aliases) expect(names.has(alias.name), alias.name).toBe(false);
    const shared = Map.groupBy(aliases, ({ alias }) => alias.name);
    for (const rows of shared.values())
      expect(rows.filter(({ alias }) => alias.when === undefined).length).toBeLessThanOrEqual(1);
  });

  it("every method that changes something outside takes an idempotency key", () => {
    expect(methods.filter(({ idempotent }) => idempotent === true).map(({ name }) => name)).toEqual([
      "chat.send",
      "agent",
      "send",
      "message.edit",
      "message.delete",
      "message.react",
    ]);
    for (const { name, idempotent, params } of methods) {
      if (idempotent !== true) continue;
      const issues = params.safeParse({}).error?.issues ?? [];
      expect(
        issues.some(({ path }) => path[0] === "idempotencyKey"),
        name,
      ).toBe(true);
    }
  });

  it("R027: a field of the inside is no parameter of the outside", () => {
    for (const { name, params } of methods) {
      if (name === "connect") continue;
      const verdict = params.safeParse({ workspaceDir: "/", spawnedBy: "agent:main:main" });
      expect(verdict.success, name).toBe(false);
    }
    const agent = methods.find(({ name }) => name === "agent");
    const base = { message: "hi", idempotencyKey: "k" };
    expect(agent?.params.safeParse(base).success).toBe(true);
    for (const field of ["workspaceDir", "cwd", "spawnedBy", "internalEvents", "lane", "gatewayUrl"]) {
      expect(agent?.params.safeParse({ ...base, [field]: "x" }).success, field).toBe(false);
    }
  });

  it("R003: no method takes another gateway's address or credential", () => {
    for (const { name, params } of methods) {
      if (name === "connect") continue;
      const verdict = params.safeParse({ gatewayUrl: "wss://evil.example", gatewayToken: "x" });
      expect(verdict.success, name).toBe(false);
    }
  });
});

describe("events", () => {
  it("each has one name and a sentence", () => {
    expect(new Set(events.map(({ name }) => name)).size).toBe(events.length);
    for (const { summary } of events) expect(summary).toMatch(/\.$/);
  });
});

describe("the version", () => {
  it("is the highest both sides speak", () => {
    expect(negotiateProtocol(4, 4)).toBe(4);
    expect(negotiateProtocol(3, 4)).toBe(4);
    expect(negotiateProtocol(3, 3)).toBe(3);
    expect(negotiateProtocol(1, 99)).toBe(4);
    expect(negotiateProtocol(5, 9)).toBeNull();
    expect(negotiateProtocol(1, 2)).toBeNull();
    expect(negotiateProtocol(4, 3)).toBeNull();
  });
});
