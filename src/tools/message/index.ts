/**
 * `message`: says something in a chat, or changes, marks or removes what was said. Where and as whom comes from the turn;
 * another chat than its own is a thing to be allowed. It goes out by the one outbox.
 */
import { z } from "zod";
import { AppError } from "../../domain/app-error.ts";
import { spokenPartId } from "../../domain/delivery-mark.ts";
import { limits } from "../../domain/limits.ts";
import type { Address } from "../../domain/message.ts";
import type { PartAction } from "../../store/port.ts";
import type { Tool, ToolContext } from "../contract.ts";
import type { SayPort } from "../say-port.ts";
import { orderId } from "../sessions/born.ts";

const inputSchema = z
  .object({
    action: z.enum(["send", "edit", "react", "delete"]),
    text: z.string().min(1).max(limits.errandTextChars).optional(),
    messageId: z.string().min(1).max(256).optional().describe("of the platform; not for send"),
    emoji: z.string().max(64).optional(),
    replyToId: z.string().min(1).max(256).optional(),
    to: z
      .object({
        channel: z.string().min(1).max(64).optional(),
        accountId: z.string().min(1).max(128).optional(),
        chatId: z.string().min(1).max(512),
        threadId: z.string().min(1).max(512).optional(),
      })
      .strict()
      .optional()
      .describe("another chat than this"),
  })
  .strict();

type Input = z.infer<typeof inputSchema>;

export function createMessageTool(say: SayPort): Tool<Input> {
  return {
    name: "message",
    description: "Sends, edits, reacts to or deletes a message in a chat. Your answer reaches this chat without it.",
    inputSchema,
    // The part's id follows from the call.
    effect: "idempotent",
    async plan(input, context) {
      const { address, own } = await chatOf(input, context, say);
      return { kind: "message", to: address, own, text: shownText(input, actionOf(input)) };
    },
    async run(input, context) {
      const { address, own } = await chatOf(input, context, say);
      const action = actionOf(input);
      await checkTarget(action, address, say);
      await say.put({
        id: spokenPartId(orderId("message", context)),
        address,
        action,
        markdown: action.type === "send" || action.type === "edit" ? (input.text ?? "") : "",
        replyToId: input.replyToId ?? null,
        sessionKey: context.sessionKey,
        own,
      });
      return `It is on its way (${action.type}).`;
    },
  };
}

async function chatOf(
  { to }: Input,
  { address: own }: Pick<ToolContext, "address">,
  say: SayPort,
): Promise<{ address: Address; own: boolean }> {
  if (to === undefined) return { address: own, own: true };
  const { channel, accountId, threadId, chatId } = to;
  const named = {
    chatId,
    ...(channel === undefined ? {} : { channel }),
    ...(accountId === undefined ? {} : { accountId }),
    ...(threadId === undefined ? {} : { threadId }),
  };
  const address = await say.chat(named, own);
  if (address === null) {
    throw new AppError(
      "RUN_003",
      `No chat ${JSON.stringify(chatId)} is known where a message could go. Ask the person.`,
    );
  }
  return { address, own: isSame(address, own) };
}

function isSame(left: Address, right: Address): boolean {
  return (
    left.channel === right.channel &&
    left.accountId === right.accountId &&
    left.chatId === right.chatId &&
    left.threadId === right.threadId
  );
}

function actionOf({ action, text, messageId, emoji }: Input): PartAction {
  if (action === "send") {
    if (text === undefined) throw incomplete("send", "text");
    return { type: "send" };
  }
  if (messageId === undefined) throw incomplete(action, "messageId");
  if (action === "delete") return { type: "delete", messageId };
  if (action === "edit") {
    if (text === undefined) throw incomplete("edit", "text");
    return { type: "edit", messageId };
  }
  if (emoji === undefined) throw incomplete("react", "emoji");
  return { type: "react", messageId, emoji };
}

function incomplete(action: string, field: string): AppError {
  return new AppError("RUN_003", `To ${action}, ${field} is needed. Call it again with it.`);
}

/** What a person who has to allow it is shown: everything that happens. */
function shownText({ text = "" }: Input, action: PartAction): string {
  switch (action.type) {
    case "send":
      return text;
    case "edit":
      return `edit ${action.messageId}: ${text}`;
    case "delete":
      return `delete ${action.messageId}`;
    case "react":
      return `react to ${action.messageId}: ${action.emoji}`;
  }
}

/** Others' messages are others' to change; a reaction needs a message that is there. */
async function checkTarget(action: PartAction, address: Address, say: SayPort): Promise<void> {
  if (action.type === "send") return;
  const whose = action.type === "react" ? "anybody's" : "ours";
  if (await say.stands(address, action.messageId, whose)) return;
  const what = whose === "ours" ? "message of yours" : "message";
  throw new AppError("RUN_003", `There is no ${what} ${JSON.stringify(action.messageId)} in that chat.`);
}
