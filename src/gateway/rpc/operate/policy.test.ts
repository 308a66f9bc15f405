/** What people are told of policy is what the run time does, and another configuration is tried on what really was. */
import { afterEach, describe, expect, it } from "vitest";
import * as fc from "fast-check";
import {
  callOf,
  changedConfig,
  commandAct,
  configWith,
  fakeCommands,
  look,
  webPage,
  workspace,
} from "../../../policy/policy-world.fixture.ts";
import { anyCall, anyConfig } from "../../../policy/policy-random.fixture.ts";
import type { CallFacts, Decision } from "../../../policy/contract.ts";
import { createPolicy } from "../../../policy/resolve.ts";
import { createPolicyView } from "../../../policy/view.ts";
import { policyExplain } from "../../../protocol/methods/policy.ts";
import type { DecisionRow } from "../../../store/decision-port.ts";
import { openStage, type Stage } from "../../fake-deps.fixture.ts";
import { connect, errorOf, type WireClient } from "../../wire-client.fixture.ts";
import type { BoundMethod, Caller } from "../handler.ts";
import type { RpcServices } from "../services.ts";
import { policyMethods } from "./policy.ts";

let stage: Stage | undefined;
afterEach(async () => {
  await stage?.close();
  stage = undefined;
});

async function open(changes: Parameters<typeof configWith>[0] = {}): Promise<{ stage: Stage; client: WireClient }> {
  const house = { agents: { defaults: { workspace } }, tools: { exec: { security: "allowlist" } } } as const;
  stage = await openStage({ config: (config) => changedConfig(changedConfig(config, house), changes) });
  return { stage, client: await connect(stage.url) };
}

const denied = { tools: { deny: ["exec"] } };

describe("policy.explain", () => {
  it("G10: says what decide does at run time, by the same rule with the same trail, for 5,000 configurations and calls", async () => {
    const agents = { agents: () => [], config: { current: () => ({ config: configWith() }) } };
    await fc.assert(
      fc.asyncProperty(anyConfig, anyCall, async (made, facts) => {
        fc.pre(facts.tool !== "unheard_of");
        const config = () => made;
        const policy = createPolicy({ config, commands: fakeCommands() });
        const nobody = () => Promise.reject(new Error("nobody asks for that"));
        const view = createPolicyView({
          config,
          policy: createPolicy({ config, commands: fakeCommands() }),
          policyFor: () => policy,
          decisions: { list: nobody },
          // Were anything looked up that was said, it would be wrong.
          isOwner: () => !facts.isOwner,
          providerOf: () => "another",
          readCandidate: nobody,
        });
        const [explain] = policyMethods({ deps: { ...agents, policy: view } } as unknown as RpcServices);
        const params = policyExplain.params.parse(facts);
        const told = policyExplain.result.parse(await (explain as BoundMethod).run(params, {} as Caller));
        const decided = await policy.decide(facts);
        expect(told.facts).toEqual(facts);
        expect({ effect: told.effect, rule: told.rule, trail: told.trail }).toEqual({
          effect: decided.effect,
          rule: decided.rule,
          trail: decided.trail,
        });
        expect([told.message, told.question?.shown ?? null]).toEqual(saidOf(decided));
      }),
      { numRuns: 5_000, seed: 20_261_129 },
    );
  });

  it("fills in what is left out as it would be for that agent and sender", async () => {
    const { client } = await open({ agents: { defaults: { sandbox: { mode: "non-main" } } } });
    const ask = async (params: object) => (await client.ask("policy.explain", params)) as { facts: CallFacts };
    expect((await ask({ tool: "exec", words: "git push", channel: "telegram", senderId: "owner" })).facts).toEqual({
      agentId: "main",
      origin: "chat",
      sessionKey: "agent:main:main",
      channel: "telegram",
      accountId: "default",
      chatKind: "dm",
      senderId: "owner",
      isOwner: true,
      provider: "openai",
      tier: null,
      sandboxed: false,
      within: null,
      isMain: true,
      tool: "exec",
      act: commandAct("git push"),
      taint: [],
    });
    expect((await ask({ tool: "exec", channel: "telegram", senderId: "5", chatKind: "group" })).facts).toMatchObject({
      isOwner: false,
      isMain: false,
      sandboxed: true,
    });
    expect((await ask({ tool: "write", words: "../x" })).facts.act).toMatchObject({ access: "write", inside: false });
    expect((await ask({ tool: "read", words: "notes/..x" })).facts.act).toMatchObject({ access: "read", inside: true });
    expect((await ask({ tool: "mcp__git__push", words: "{}" })).facts.act).toMatchObject({
      server: "git",
      tool: "push",
    });
    for (const [tool, kind] of [
      ["web_fetch", "fetch"],
      ["message", "message"],
      ["sessions_spawn", "session"],
      ["memory_save", "memory"],
      ["time", "look"],
    ]) {
      expect((await ask({ tool, words: "https://example.org" })).facts.act.kind, tool).toBe(kind);
    }
  });

  it("R120: a helper is explained as the child of such a turn, with what that may use and no more", async () => {
    const { client } = await open({ tools: { profile: "coding", deny: ["grep"] } });
    const asked = { tool: "exec", origin: "subagent", isOwner: true, words: "make" };
    const { facts, effect } = (await client.ask("policy.explain", asked)) as { facts: CallFacts; effect: string };
    expect(effect).toBe("ask");
    expect(facts.within).toContain("exec");
    for (const tool of ["grep", "message", "browser"]) expect(facts.within).not.toContain(tool);
  });

  it("R122: a tool or an agent that nobody has is refused, with the name that was probably meant", async () => {
    const { client } = await open();
    expect(errorOf(await client.call("policy.explain", { tool: "exce" })).message).toMatch(/did you mean exec\?/);
    expect(errorOf(await client.call("policy.explain", { tool: "bash" })).message).toMatch(/did you mean exec\?/);
    for (const tool of ["group:fs", "*", "mcp__git__*"]) {
      expect(errorOf(await client.call("policy.explain", { tool })).message).toMatch(/there is no tool/);
    }
    const nobody = errorOf(await client.call("policy.explain", { tool: "exec", agentId: "nobody" }));
    expect(nobody.message).toMatch(/unknown agent/);
    expect(errorOf(await client.call("policy.explain", { tool: "exec", origin: "dream" })).message).toMatch(/origin/);
  });
});

describe("policy.diff", () => {
  const minuteMs = 60_000;

  /** As the run time keeps it: what was decided under the defaults. */
  async function record(at: Stage, facts: CallFacts, changes: Partial<DecisionRow> = {}): Promise<DecisionRow> {
    const decided = await createPolicy({ config: () => configWith(), commands: fakeCommands() }).decide(facts);
    const row: DecisionRow = {
      id: at.deps.ids.uuid(),
      atMs: at.clock.nowMs() - minuteMs,
      runId: "run-1",
      callId: "call-1",
      sessionKey: facts.sessionKey,
      agentId: facts.agentId,
      tool: facts.tool,
      effect: decided.effect,
      rule: decided.rule.where,
      facts,
      ...changes,
    };
    await at.store.decisions.add([row]);
    return row;
  }

  it("names what another configuration would decide otherwise, before and after, and nothing else", async () => {
    const { client, stage: gateway } = await open();
    await record(gateway, callOf("time", look));
    const ran = await record(gateway, callOf("exec", commandAct("git status")));
    const asked = await record(gateway, callOf("exec", commandAct("git push"), { taint: [webPage] }));
    await record(gateway, callOf("exec", commandAct("rm -r x")));
    const told = await client.ask("policy.diff", { candidate: JSON.stringify(denied), sinceMs: 0 });
    const after = { effect: "deny", rule: "tools.deny[0]", says: "Denied here: exec." };
    expect(told).toEqual({
      looked: 4,
      skipped: 0,
      nextCursor: null,
      changed: [
        expect.objectContaining({
          id: ran.id,
          tool: "exec",
          shown: "git status",
          before: { effect: "allow", rule: "grant-1" },
          now: { effect: "allow", rule: "grant-1" },
          after,
        }),
        expect.objectContaining({ id: asked.id, before: { effect: "ask", rule: "built-in" }, after }),
      ],
    });
    const same = await client.ask("policy.diff", { candidate: "{}", sinceMs: 0 });
    expect(same).toMatchObject({ looked: 4, changed: [] });
  });

  it("says where today's answer is another one already, and with rules also what another rule decides", async () => {
    const { client, stage: gateway } = await open(denied);
    await record(gateway, callOf("exec", commandAct("git status")));
    await record(gateway, callOf("exec", commandAct("rm -r x")));
    const params = { candidate: JSON.stringify(denied), sinceMs: 0 };
    expect(await client.ask("policy.diff", params)).toMatchObject({
      changed: [{ before: { effect: "allow" }, now: { effect: "deny" }, after: { effect: "deny" } }],
    });
    expect(await client.ask("policy.diff", { ...params, rules: true })).toMatchObject({
      changed: [{ shown: "git status" }, { shown: "rm -r x", before: { effect: "deny", rule: "tools.exec.security" } }],
    });
  });

  it("goes page by page, looks no further back than it is told, and skips what was not kept whole", async () => {
    const { client, stage: gateway } = await open();
    for (let index = 0; index < 5; index += 1) await record(gateway, callOf("exec", commandAct(`git ${index}`)));
    await record(gateway, callOf("exec", look), { atMs: 1 });
    await record(gateway, callOf("exec", look), { facts: { ...callOf("exec", look), cut: true } });
    await record(gateway, callOf("exec", look), { facts: { of: "another version" } });
    const told: string[] = [];
    let skipped = 0;
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = (await client.ask("policy.diff", {
        candidate: JSON.stringify(denied),
        spanMs: 10 * minuteMs,
        limit: 2,
        ...(cursor === undefined ? {} : { cursor }),
      })) as { changed: { shown: string }[]; skipped: number; looked: number; nextCursor: string | null };
      expect(page.looked).toBeLessThanOrEqual(2);
      told.push(...page.changed.map(({ shown }) => shown));
      skipped += page.skipped;
      cursor = page.nextCursor;
    }
    expect(told).toEqual(["git 0", "git 1", "git 2", "git 3", "git 4"]);
    expect(skipped).toBe(2);
    const whole = await client.ask("policy.diff", { candidate: JSON.stringify(denied) });
    expect(whole).toMatchObject({ looked: 7 });
  });

  it("changes nothing: the configuration in force and the record stay as they are", async () => {
    const { client, stage: gateway } = await open();
    await record(gateway, callOf("exec", commandAct("git status")));
    const before = gateway.config.current();
    await client.ask("policy.diff", { candidate: JSON.stringify(denied), sinceMs: 0 });
    expect(gateway.config.current()).toBe(before);
    expect((await gateway.store.decisions.list({ sinceMs: 0, limit: 10 })).rows).toHaveLength(1);
  });

  it("one answer tries no more decisions than its limit", async () => {
    const { client } = await open();
    const refused = errorOf(await client.call("policy.diff", { candidate: "{}", limit: 501 }));
    expect(refused.message).toMatch(/limit/);
    expect((await client.call("policy.diff", { candidate: "{}", limit: 500 })).ok).toBe(true);
  });
});

function saidOf(decided: Decision): [message: string | null, shown: string | null] {
  if (decided.effect === "deny") return [decided.message, null];
  return [null, decided.effect === "ask" ? decided.question.shown : null];
}
