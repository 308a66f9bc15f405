import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { coversScope, scopes, type Scope } from "../../domain/scopes.ts";
import { aliases, methods } from "../../protocol/registry.ts";
import { openStage, type Stage } from "../fake-deps.fixture.ts";
import { connect, errorOf, makeIdentity, type WireClient } from "../wire-client.fixture.ts";

/** Params that no method takes: an allowed call ends in validation, before it has any effect. */
const nonsense = { "no such param": true };

describe("who may call what", () => {
  let stage: Stage;
  let clients: Map<Scope | "none", WireClient>;
  beforeAll(async () => {
    stage = await openStage();
    const anything = { safeParse: (data: unknown) => ({ success: true, data }) } as never;
    const plugin = { params: anything, result: anything, summary: "Of a plugin." };
    stage.gateway.registerMethod({ declaration: { name: "plugin.open", ...plugin }, run: () => "done" });
    stage.gateway.registerMethod({
      declaration: { name: "plugin.read", scope: "operator.read", ...plugin },
      run: () => "done",
    });
    clients = new Map();
    for (const scope of scopes) {
      const node = scope === "node" ? { role: "node", client: { id: "node-host", mode: "node" } } : {};
      clients.set(scope, await connect(stage.url, { ...node, scopes: [scope], identity: makeIdentity() }));
    }
    clients.set("none", await connect(stage.url, { scopes: [], identity: makeIdentity() }));
  });
  afterAll(() => stage.close());

  it("E8 E9 R022: every method, for every scope and role, answers as the table says", async () => {
    const table: [string, Scope][] = methods.flatMap(({ name, scope }) => (scope === null ? [] : [[name, scope]]));
    const named: [string, Scope][] = aliases.flatMap(({ alias, canonical }) =>
      canonical.scope === null || alias.when?.(nonsense) === false ? [] : [[alias.name, canonical.scope]],
    );
    let cells = 0;
    for (const [name, needed] of [...table, ...named]) {
      for (const [held, client] of clients) {
        const answer = await client.call(name, nonsense);
        const allowed = held !== "none" && coversScope([held], needed);
        const refusal = answer.ok === true ? "" : errorOf(answer).message;
        const cell = `${name} with ${held}`;
        if (allowed) expect(refusal, cell).not.toMatch(/^missing scope/);
        else {
          expect(refusal, cell).toBe(`missing scope: ${needed}`);
          expect(errorOf(answer)).toMatchObject({
            code: "FORBIDDEN",
            details: { code: "MISSING_SCOPE", missingScope: needed, requiredScopes: [needed] },
          });
        }
        cells += 1;
      }
    }
    expect(cells).toBe((table.length + named.length) * (scopes.length + 1));
  });

  it("E8: a node may call no method of an operator", async () => {
    const node = clients.get("node");
    for (const { name, scope } of methods) {
      if (scope === null || scope === "node") continue;
      expect(errorOf((await node?.call(name)) ?? {}).message, name).toMatch(/^missing scope: operator\./);
    }
  });

  it("E11: a plugin's method that names no scope is for administrators", async () => {
    for (const [held, client] of clients) {
      expect((await client.call("plugin.open")).ok, held).toBe(held === "operator.admin");
      const reads = held === "operator.admin" || held === "operator.read" || held === "operator.write";
      expect((await client.call("plugin.read")).ok, held).toBe(reads);
    }
    const declaration = { name: "health", params: {} as never, result: {} as never, summary: "Stolen." };
    expect(() => stage.gateway.registerMethod({ declaration, run: () => null })).toThrow(/is there already/);
  });
});
