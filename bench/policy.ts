/**
 * What policy costs on this machine: a tool that is looked up for the prompt, and a call that is judged, over a small and a
 * crowded configuration. `node bench/policy.ts`. To be held against: 50 µs a decision.
 */
import { defaultConfig } from "../src/config/default-config.ts";
import type { Config } from "../src/config/schema/root.ts";
import type { Act } from "../src/domain/act.ts";
import { houseTools } from "../src/domain/tool-names.ts";
import type { CallFacts } from "../src/policy/contract.ts";
import { createPolicy } from "../src/policy/resolve.ts";

const rounds = 20_000;

const base = defaultConfig();
const open: Config = { ...base, tools: { ...base.tools, exec: { ...base.tools.exec, security: "allowlist" } } };

/** Every layer says something, and there are many entries that are not about the call. */
const crowded = {
  ...open,
  tools: {
    ...open.tools,
    profile: "full",
    alsoAllow: ["group:plugins"],
    deny: ["browser", "mcp__danger__*"],
    byProvider: { openai: { deny: ["sessions_spawn"] } },
    byChannel: { telegram: { allow: ["*"], deny: ["memory_forget"] } },
    bySender: Object.fromEntries(
      Array.from({ length: 2_000 }, (_, index) => [`telegram:${index}`, { alsoAllow: ["exec"], deny: ["schedule"] }]),
    ),
  },
  agents: {
    ...open.agents,
    list: Array.from({ length: 200 }, (_, index) => ({ id: `agent-${index}`, tools: { deny: ["image"] } })),
  },
} as Config;

const facts: Omit<CallFacts, "tool" | "act"> = {
  agentId: "agent-150",
  origin: "subagent",
  sessionKey: "agent:agent-150:main",
  channel: "telegram",
  accountId: "default",
  chatKind: "group",
  senderId: "1500",
  isOwner: true,
  provider: "openai",
  tier: null,
  sandboxed: false,
  within: [...houseTools],
  isMain: true,
  taint: [{ class: "foreign", source: "web page https://example.org/a" }],
};

const to = { channel: "telegram", accountId: "default", chatId: "7", chatKind: "dm" } as const;
const look: Act = { kind: "look" };
const asked: Act = { kind: "message", to, own: false, text: "x".repeat(500) };
const commands = { judge: () => Promise.reject(new Error("no command is judged here")) };

for (const [name, config] of [
  ["defaults", open],
  ["2,000 senders, 200 agents", crowded],
] as const) {
  const policy = createPolicy({ config: () => config, commands });
  const prompt = () => {
    for (const tool of houseTools) policy.permits(tool, facts);
  };
  await measure(`${name}: permits, a tool`, { perRound: houseTools.length }, prompt);
  await measure(`${name}: decide, allowed`, {}, () => policy.decide({ ...facts, tool: "time", act: look }));
  await measure(`${name}: decide, asked (bound by SHA-256)`, {}, () =>
    policy.decide({ ...facts, tool: "message", act: asked }),
  );
  // A reload: everything is read anew, and the first call pays.
  await measure(`${name}: the first decision of a configuration`, { rounds: 500 }, () =>
    createPolicy({ config: () => config, commands }).decide({ ...facts, tool: "time", act: look }),
  );
}

async function measure(
  what: string,
  { rounds: count = rounds, perRound = 1 }: { rounds?: number; perRound?: number },
  run: () => unknown,
): Promise<void> {
  for (let index = 0; index < count / 4; index += 1) await run();
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const began = performance.now();
    await run();
    times.push(((performance.now() - began) * 1_000) / perRound);
  }
  times.sort((left, right) => left - right);
  const at = (share: number): string => (times[Math.floor(times.length * share)] ?? 0).toFixed(2).padStart(8);
  console.log(`${what.padEnd(66)} p50 ${at(0.5)} µs   p99 ${at(0.99)} µs`);
}
