/** What holds for every configuration and every call: thousands of each, made up, the same ones in every run. */
import { describe, expect, it } from "vitest";
import * as fc from "fast-check";
import type { Config } from "../config/schema/root.ts";
import { houseTools } from "../domain/tool-names.ts";
import type { CallFacts, Decision, Policy } from "./contract.ts";
import { fakeCommands, webPage } from "./policy-world.fixture.ts";
import { anyCall as call, anyConfig as config, anyEntries as list } from "./policy-random.fixture.ts";
import type { ToolWords } from "./layers.ts";
import { createPolicy } from "./resolve.ts";

const seeded = { numRuns: 2_000, seed: 20_261_129 };

function policyOf(made: Config): Policy {
  return createPolicy({ config: () => made, commands: fakeCommands("allow") });
}

const rank = { deny: 0, ask: 1, allow: 2 } as const;

function strength({ effect }: Decision): number {
  return rank[effect];
}

type Place = (made: Config, change: (words: ToolWords | undefined) => ToolWords) => Config;

/** Every place of a configuration that can deny. */
const places: Readonly<Record<string, Place>> = {
  house: (made, change) => ({ ...made, tools: { ...made.tools, ...change(made.tools) } }) as Config,
  provider: (made, change) => inTable(made, { table: "byProvider", key: "openai" }, change),
  channel: (made, change) => inTable(made, { table: "byChannel", key: "telegram" }, change),
  sender: (made, change) => inTable(made, { table: "bySender", key: "telegram:1" }, change),
  agent: (made, change) => {
    const agents = made.agents.list.map((agent) => ({ ...agent, tools: change(agent.tools) }));
    return { ...made, agents: { ...made.agents, list: agents } } as Config;
  },
};

function inTable(
  made: Config,
  { table, key }: { table: "byProvider" | "byChannel" | "bySender"; key: string },
  change: (words: ToolWords | undefined) => ToolWords,
): Config {
  const entries = made.tools[table] ?? {};
  return { ...made, tools: { ...made.tools, [table]: { ...entries, [key]: change(entries[key]) } } } as Config;
}

const place = fc.constantFrom(...Object.keys(places));
const alsoDenied =
  (names: readonly string[]) =>
  (said: ToolWords | undefined): ToolWords => ({ ...said, deny: [...(said?.deny ?? []), ...names] });

/** Whether a place is about this call at all. */
function isAbout(name: string, { channel, senderId, provider, agentId }: CallFacts): boolean {
  const about = {
    house: true,
    provider: provider === "openai",
    channel: channel === "telegram",
    sender: channel === "telegram" && senderId === "1",
    agent: agentId === "main",
  };
  return about[name as keyof typeof about];
}

describe("for every configuration and every call", () => {
  it("G10: permits says it before decide does, and the rule that decides was looked at", async () => {
    await fc.assert(
      fc.asyncProperty(config, call, async (made, facts) => {
        const policy = policyOf(made);
        const decided = await policy.decide(facts);
        const { allowed, rule } = policy.permits(facts.tool, facts);
        if (!allowed) expect(decided).toMatchObject({ effect: "deny", rule });
        expect(decided.trail).toContainEqual(decided.rule);
        if (decided.effect !== "deny") expect(allowed).toBe(true);
      }),
      seeded,
    );
  });

  it("R121: a denial wins wherever it stands, against everything that allows", async () => {
    await fc.assert(
      fc.asyncProperty(config, call, place, async (made, facts, name) => {
        const denied = (places[name] as Place)(made, alsoDenied([facts.tool]));
        const decided = await policyOf(denied).decide(facts);
        if (isAbout(name, facts)) expect(decided.effect).toBe("deny");
      }),
      seeded,
    );
  });

  it("R121: denying more never allows more", async () => {
    await fc.assert(
      fc.asyncProperty(config, call, fc.record({ place, list }), async (made, facts, more) => {
        const stricter = (places[more.place] as Place)(made, alsoDenied(more.list));
        const [before, after] = [await policyOf(made).decide(facts), await policyOf(stricter).decide(facts)];
        expect(strength(after)).toBeLessThanOrEqual(strength(before));
      }),
      seeded,
    );
  });

  it("R120: what a turn was born with never widens what it may do, and what it was not born with is denied", async () => {
    await fc.assert(
      fc.asyncProperty(config, call, fc.subarray([...houseTools]), async (made, facts, within) => {
        const free: CallFacts = { ...facts, within: null, origin: facts.origin === "subagent" ? "chat" : facts.origin };
        const [parent, child] = [await policyOf(made).decide(free), await policyOf(made).decide({ ...facts, within })];
        if (!within.includes(facts.tool)) expect(child.effect).toBe("deny");
        expect(strength(child)).toBeLessThanOrEqual(strength(parent));
      }),
      seeded,
    );
  });

  it("R119: having read more never allows more, and after foreign words no command runs without a person", async () => {
    await fc.assert(
      fc.asyncProperty(config, call, async (made, facts) => {
        const clean = await policyOf(made).decide({ ...facts, taint: [] });
        const read = await policyOf(made).decide({ ...facts, taint: [webPage] });
        expect(strength(read)).toBeLessThanOrEqual(strength(clean));
        if (facts.act.kind === "command") expect(read.effect).not.toBe("allow");
        if (read.effect === "ask") expect(read.question).toMatchObject({ always: null, fallback: "deny" });
      }),
      seeded,
    );
  });

  it("being an owner never allows less", async () => {
    await fc.assert(
      fc.asyncProperty(config, call, async (made, facts) => {
        const [other, owner] = await Promise.all(
          [false, true].map((isOwner) => policyOf(made).decide({ ...facts, isOwner })),
        );
        expect(strength(other as Decision)).toBeLessThanOrEqual(strength(owner as Decision));
      }),
      seeded,
    );
  });
});
