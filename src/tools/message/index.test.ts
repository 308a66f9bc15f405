/** Where a message may go, as whom, and that it is said once. */
import { describe, expect, it } from "vitest";
import type { Address } from "../../domain/message.ts";
import { runTool } from "../run-tool.ts";
import type { Saying, SayPort } from "../say-port.ts";
import type { Tool } from "../contract.ts";
import { toolContext } from "../tool-context.fixture.ts";
import { createMessageTool } from "./index.ts";

const own: Address = { channel: "irc", accountId: "default", chatId: "ada", chatKind: "dm" };
const known: Address = { ...own, chatId: "#garden", chatKind: "group" };

function world() {
  const said: Saying[] = [];
  const say: SayPort = {
    chat: ({ chatId, channel }) => {
      if (channel !== undefined && channel !== "irc") return Promise.resolve(null);
      return Promise.resolve(chatId === own.chatId ? own : chatId === known.chatId ? known : null);
    },
    stands: (_address, id, whose) => Promise.resolve(id === "ours" || (id === "theirs" && whose === "anybody's")),
    put: (saying) => Promise.resolve(void said.push(saying)),
  };
  const tool = createMessageTool(say);
  const context = toolContext({ address: own, senderId: "ada" });
  return { tool, said, context, run: (input: unknown) => runTool(tool as Tool, input, context) };
}

describe("the tool message", () => {
  it("R075: speaks in the turn's own chat where no other is named", async () => {
    const { tool, said, context, run } = world();
    const input = { action: "send" as const, text: "hello" };
    expect(await tool.plan?.(input, context)).toEqual({ kind: "message", to: own, own: true, text: "hello" });
    await run(input);
    await run(input);
    expect(said).toMatchObject([
      { address: own, own: true, markdown: "hello", action: { type: "send" } },
      { address: own },
    ]);
    // The same call has the same id: the outbox takes it once.
    expect(said[0]?.id).toMatch(/^send-[0-9a-f]{32}$/);
    expect(said[1]?.id).toBe(said[0]?.id);
  });

  it("R075: another chat is an act of its own, also where it is named by the way of the own one", async () => {
    const { tool, context } = world();
    const to = (chatId: string) => tool.plan?.({ action: "send", text: "hi", to: { chatId } }, context);
    expect(await to("#garden")).toMatchObject({ to: known, own: false });
    expect(await to("ada")).toMatchObject({ to: own, own: true });
  });

  it.each([
    ["a chat that nobody knows", { action: "send", text: "hi", to: { chatId: "eve" } }, "No chat"],
    [
      "a channel that it is not on",
      { action: "send", text: "hi", to: { chatId: "ada", channel: "telegram" } },
      "No chat",
    ],
    ["a requester of its own choosing", { action: "send", text: "hi", senderId: "owner" }, "not valid"],
    [
      "an address of its own making",
      { action: "send", text: "hi", to: { chatId: "ada", chatKind: "dm" } },
      "not valid",
    ],
    ["nothing to say", { action: "send" }, "text is needed"],
    ["no message", { action: "delete" }, "messageId is needed"],
    ["another's message to delete", { action: "delete", messageId: "theirs" }, "no message of yours"],
    ["another's message to edit", { action: "edit", text: "x", messageId: "theirs" }, "no message of yours"],
    ["a message that is not there", { action: "react", emoji: "👍", messageId: "none" }, "no message"],
  ])("R075: refuses %s", async (_what, input, words) => {
    const { said, run } = world();
    await expect(run(input)).rejects.toMatchObject({
      code: "RUN_003",
      message: expect.stringContaining(words) as string,
    });
    expect(said).toEqual([]);
  });

  it("edits and deletes its own, and reacts to anybody's", async () => {
    const { said, run } = world();
    await run({ action: "edit", text: "better", messageId: "ours" });
    await run({ action: "delete", messageId: "ours" });
    await run({ action: "react", emoji: "👍", messageId: "theirs" });
    expect(said.map(({ action, markdown }) => [action.type, markdown])).toEqual([
      ["edit", "better"],
      ["delete", ""],
      ["react", ""],
    ]);
  });
});
