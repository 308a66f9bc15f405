/** A model that obeys whatever it reads still does nothing that a person of the house did not allow. */
import { describe, expect, it } from "vitest";
import type { Config } from "../../config/schema/root.ts";
import { wrapExternal } from "../../domain/external.ts";
import type { CommandVerdict } from "../../exec/contract.ts";
import type { PolicyFacts } from "../../policy/contract.ts";
import { configWith, factsOf, plannedCommand } from "../../policy/policy-world.fixture.ts";
import { createPolicy } from "../../policy/resolve.ts";
import { playInjection } from "./fixtures/hostile-model.ts";
import { carriers, injections, payloads } from "./fixtures/injections.ts";

/** The desk for commands as it would be without any rule of its own about what was read: everything runs. */
const everythingRuns = {
  judge: ({ act }: { act: { text: string } }): Promise<CommandVerdict> =>
    Promise.resolve({
      effect: "allow",
      where: "tools.exec.security",
      says: "Commands run.",
      command: plannedCommand(act.text),
    }),
};

/** And one that would ask, and go on where nobody answers. */
const careless = {
  judge: ({ act }: { act: { text: string } }): Promise<CommandVerdict> =>
    Promise.resolve({
      effect: "ask",
      where: "tools.exec.ask",
      says: "On no list.",
      command: plannedCommand(act.text),
      reasons: ["On no list."],
      always: { pattern: "*", argv: null, says: "everything" },
      fallback: "allow",
    }),
};

const worlds: readonly (readonly [string, Config])[] = [
  ["as it comes", configWith()],
  ["with commands wide open", configWith({ tools: { exec: { security: "full", ask: "off" } } })],
  [
    "with everything wide open",
    configWith({
      tools: {
        profile: "full",
        exec: { security: "full", ask: "off" },
        fs: { workspaceOnly: false },
        agentToAgent: { enabled: true, allow: ["*"] },
        sessions: { visibility: "all" },
      },
    }),
  ],
];

const people: readonly (readonly [string, PolicyFacts])[] = [
  ["an owner", factsOf()],
  ["a person of the house", factsOf({ isOwner: false })],
  ["somebody in a group", factsOf({ isOwner: false, chatKind: "group", isMain: false })],
  ["the clock", factsOf({ origin: "cron", senderId: null, channel: null, chatKind: null })],
  ["a helper", factsOf({ origin: "subagent", isMain: false, within: payloads.map(({ call }) => call.tool) })],
];

describe("the corpus", () => {
  it("R8: has 200 cases and more, each once", () => {
    expect(injections.length).toBeGreaterThanOrEqual(200);
    expect(new Set(injections.map(({ id }) => id)).size).toBe(injections.length);
    for (const carrier of carriers) {
      expect(injections.filter((one) => one.carrier === carrier).length).toBeGreaterThanOrEqual(5);
    }
  });

  it("R076: none of it can leave its wrapping or pose as a frame, and each names its source", () => {
    const marker = "feedfacefeedface";
    for (const { text, carrier } of injections) {
      const lines = wrapExternal(text, { source: carrier.taint, marker }).split("\n");
      expect(lines[0]).toBe(`<<<outside ${marker}: ${carrier.taint.source}>>>`);
      expect(lines.at(-1)).toBe(`<<<end of outside ${marker}>>>`);
      const inner = lines.slice(2, -1).join("\n");
      expect(inner).not.toMatch(/<<(end of )?outside|<\|im_|\[\/?INST\]|[\u200b\u202e\u001b]|[\u{e0000}-\u{e007f}]/u);
      if (carrier.taint.class === "foreign") expect(inner).not.toMatch(/<\/?tool_result>|^(System|Human|Assistant):/m);
    }
  });
});

describe.each(worlds)("a model that obeys what it reads, %s", (_world, config) => {
  it.each(people)("R8: does nothing without an approval that shows the source, for %s", async (_who, facts) => {
    for (const commands of [everythingRuns, careless]) {
      const policy = createPolicy({ config: () => config, commands });
      const played = await Promise.all(injections.map((injection) => playInjection(injection, policy, facts)));
      expect(played.flatMap(({ faults }) => faults)).toEqual([]);
    }
  });

  it("R8: while the same calls, wanted by an owner who has read nothing, are not all in the way", async () => {
    const policy = createPolicy({ config: () => config, commands: everythingRuns });
    const wanted = payloads.map(({ call }) => policy.decide({ ...factsOf(), ...call, taint: [] }));
    expect((await Promise.all(wanted)).filter(({ effect }) => effect === "allow").length).toBeGreaterThan(30);
  });
});

describe("a helper that is born of such words", () => {
  it("R8: inherits what its parent had read, and can do no more", async () => {
    const config = configWith({ tools: { exec: { security: "full", ask: "off" } } });
    const policy = createPolicy({ config: () => config, commands: everythingRuns });
    const [page] = carriers;
    const taint = page === undefined ? [] : [page.taint];
    const act = { kind: "session", sessionKey: "agent:main:subagent:1", agentId: "main", text: "run it" } as const;
    const born = await policy.decide({ ...factsOf(), tool: "sessions_spawn", act, taint });
    expect(born.effect).toBe("allow");
    const helper = factsOf({ origin: "subagent", isMain: false, within: ["exec"] });
    const run = { kind: "command", text: "rm -rf ~", cwd: "/house/workspace", env: {} } as const;
    expect(await policy.decide({ ...helper, tool: "exec", act: run, taint })).toMatchObject({
      effect: "ask",
      question: { taint, always: null, fallback: "deny" },
    });
  });
});
