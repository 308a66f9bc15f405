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
    expect(routeMessage({ address: where, sender: { id: "ada" } }, configOf(bindings)).agentId).toBe(agentId);
  });

  it("G8: of two that say the same, the first in the file wins", () => {
    const reversed = configOf(bindings.toReversed() as Config["bindings"]);
    expect(routeMessage({ address: address({ chatId: "bob" }), sender: { id: "bob" } }, reversed).agentId).toBe("late");
  });

  it("J2, G8: a sender is named by id wherever it writes; the chat says more, the account less", () => {
    const rules = [
      { agentId: "account", match: { channel: "irc", accountId: "work" } },
      { agentId: "sender", match: { channel: "irc", sender: "ada" } },
      { agentId: "room", match: { channel: "irc", peer: "#ops" } },
      { agentId: "sender in room", match: { channel: "irc", peer: "#ops", sender: "ada" } },
    ] as Config["bindings"];
    const agentOf = (chatId: string, id: string, accountId = "work"): string =>
      routeMessage({ address: address({ chatId, accountId }), sender: { id } }, configOf(rules)).agentId;
    expect(agentOf("#talk", "ada")).toBe("sender");
    expect(agentOf("#ops", "bob")).toBe("room");
    expect(agentOf("#ops", "ada")).toBe("sender in room");
    expect(agentOf("#talk", "bob")).toBe("account");
    expect(agentOf("#talk", "Ada", "home")).toBe("main");
  });

  it("J2: the binding that wins says how soon, and a message without one waits its ordinary time", () => {
    const rules = [
      { agentId: "main", priority: "low", match: { channel: "irc" } },
      { agentId: "main", priority: "critical", match: { channel: "irc", sender: "ada" } },
      { agentId: "main", match: { channel: "irc", peer: "#talk" } },
    ] as Config["bindings"];
    const priorityOf = (chatId: string, id: string): string =>
      routeMessage({ address: address({ chatId }), sender: { id } }, configOf(rules)).priority;
    expect(priorityOf("#ops", "bob")).toBe("low");
    expect(priorityOf("#ops", "ada")).toBe("critical");
    expect(priorityOf("#talk", "ada")).toBe("normal");
    expect(routeMessage({ address: address({ channel: "telegram" }), sender: { id: "ada" } }, configOf(rules))).toEqual(
      {
        agentId: "main",
        sessionKey: "agent:main:main",
        priority: "normal",
      },
    );
  });

  it("G8: the default agent is the one marked, else the first, else main", () => {
    expect(defaultAgentId(configOf([]))).toBe("main");
    expect(defaultAgentId(configOf([], [{ id: "one" }, { id: "two" }]))).toBe("one");
    expect(defaultAgentId(configOf([], [{ id: "one" }, { id: "two", default: true }]))).toBe("two");
  });
});
