import { describe, expect, it } from "vitest";
import { defaultConfig } from "../config/default-config.ts";
import type { Config } from "../config/schema/root.ts";
import type { Address } from "../domain/message.ts";
import { defaultAgentId, routeMessage } from "./route.ts";

const address = (part: Partial<Address> = {}): Address => ({
  channel: "irc",
  accountId: "default",
  chatId: "ada",
  chatKind: "dm",
  ...part,
});

function configOf(bindings: Config["bindings"], agents: readonly { id: string; default?: boolean }[] = []): Config {
  const config = defaultConfig();
  return {
    ...config,
    bindings,
    agents: { ...config.agents, list: agents.map((agent) => ({ ...agent })) as Config["agents"]["list"] },
  };
}

describe("which agent answers", () => {
  const bindings: Config["bindings"] = [
    { agentId: "channel", match: { channel: "irc" } },
    { agentId: "account", match: { channel: "irc", accountId: "work" } },
    { agentId: "peer", match: { channel: "irc", peer: "ada" } },
    { agentId: "precise", match: { channel: "irc", accountId: "work", peer: "ada" } },
    { agentId: "late", match: { channel: "irc" } },
  ] as Config["bindings"];
  const cases: readonly (readonly [string, Address, string])[] = [
    ["the channel", address({ chatId: "bob" }), "channel"],
    ["the account before the channel", address({ accountId: "work", chatId: "bob" }), "account"],
    ["the person before the account", address(), "peer"],
    ["both before each", address({ accountId: "work" }), "precise"],
    ["the default agent where nothing fits", address({ channel: "telegram" }), "main"],
  ];
  it.each(cases)("G8: %s", (_name, where, agentId) => {
    expect(routeMessage(where, configOf(bindings)).agentId).toBe(agentId);
  });

  it("G8: of two that say the same, the first in the file wins", () => {
    expect(
      routeMessage(address({ chatId: "bob" }), configOf(bindings.toReversed() as Config["bindings"])).agentId,
    ).toBe("late");
  });

  it("G8: the default agent is the one marked, else the first, else main", () => {
    expect(defaultAgentId(configOf([]))).toBe("main");
    expect(defaultAgentId(configOf([], [{ id: "one" }, { id: "two" }]))).toBe("one");
    expect(defaultAgentId(configOf([], [{ id: "one" }, { id: "two", default: true }]))).toBe("two");
  });
});
