/**
 * What a person can tell the assistant itself, answered by rule and without a model. Each command touches the
 * sender's own session alone, but for what owners decide; nothing here changes the configuration or another session.
 */
import { messageText } from "../domain/message.ts";
import { totalTokens } from "../domain/money.ts";
import type { SessionRow } from "../store/session-port.ts";
import { compactByCommand } from "./compact-command.ts";
import { linkByMessage, type LinkCommand } from "./link-command.ts";
import { decideByMessage, type MoneyCommand } from "./money-commands.ts";
import { restartByMessage } from "./restart-command.ts";
import type { AgentDeps, Turn } from "./turn.ts";

export type Command =
  | "new"
  | "status"
  | "help"
  | "stop"
  | "restart"
  | "compact"
  | "approve"
  | LinkCommand
  | MoneyCommand;

const names: Readonly<Record<string, Command>> = Object.freeze({
  "/new": "new",
  "/reset": "new",
  "/status": "status",
  "/help": "help",
  "/start": "help",
  "/stop": "stop",
  "/restart": "restart",
  "/compact": "compact",
  "/link": "link",
  "/unlink": "unlink",
  "/approve": "approve",
  "/allow": "allow",
  "/deny": "deny",
  "/pause": "pause",
  "/resume": "resume",
});

/** The commands that words may follow. All others stand alone. */
const takesWords: readonly Command[] = ["compact", "link", "approve", "allow", "deny", "pause"];

/** The command a text is, or null where it is something to answer. */
export function commandOf(text: string): Command | null {
  const [first, words] = parted(text);
  const name = first.toLowerCase();
  // People write anything, "constructor" too: only what stands in the table itself is a command.
  const command = Object.hasOwn(names, name) ? (names[name] ?? null) : null;
  return command !== null && words !== "" && !takesWords.includes(command) ? null : command;
}

/** What stands behind the name of a command. */
export function wordsOf(text: string): string {
  return parted(text)[1];
}

/** The name, and what stands behind it; empty where nothing does. */
function parted(text: string): readonly [name: string, words: string] {
  const [, name = "", words = ""] = /^(\S+)(?:\s+([^]*))?$/.exec(text.trim()) ?? [];
  return [name, words];
}

interface CommandContext {
  readonly turn: Turn;
  readonly session: SessionRow;
  readonly deps: AgentDeps;
}

export async function runCommand(command: Command, context: CommandContext): Promise<string> {
  const words = wordsOf(messageText(context.turn.row.message));
  switch (command) {
    case "new":
      return startAnew(context);
    case "status":
      return statusText(context);
    case "help":
      return helpText;
    case "compact":
      return compactByCommand(context, words);
    case "link":
    case "unlink":
      return linkByMessage(command, words, context);
    case "approve":
    case "allow":
    case "deny":
      return (
        (await consentByMessage(context)) ?? decideByMessage(command === "deny" ? "deny" : "allow", words, context)
      );
    case "pause":
    case "resume":
      return decideByMessage(command, words, context);
    case "restart":
      return restartByMessage(context.turn, context.deps);
    case "stop":
      // What ran was stopped when this message came in: it did not have to wait for its turn.
      return "Stopped.";
  }
}

/** Null where it is no question about an act; nothing to say where the chat was told when the message came in. */
async function consentByMessage({ turn, deps }: CommandContext): Promise<string | null> {
  const { message, sessionKey } = turn.row;
  const answered = await deps.consent.answer(message, sessionKey);
  if (answered === null) return null;
  return answered.told ? "" : answered.text;
}

/** What is told to somebody who asks, and to platforms that show a list. */
export const offeredCommands: readonly { readonly name: Command; readonly description: string }[] = Object.freeze([
  { name: "new", description: "starts a new conversation; the old one is kept" },
  { name: "stop", description: "stops the answer that is being written" },
  { name: "compact", description: "sums up this conversation; words behind it say what to look at" },
  { name: "status", description: "shows model, tokens and cost of this conversation" },
  { name: "link", description: "makes you one person in two chat apps" },
  { name: "pause", description: "for owners: no model is called from here on" },
  { name: "resume", description: "for owners: goes on after a pause" },
  { name: "help", description: "shows this" },
]);

const helpText = [
  "Write to me and I answer.",
  "",
  ...offeredCommands.map(({ name, description }) => `- \`/${name}\` ${description}`),
].join("\n");

async function startAnew({ turn, deps }: CommandContext): Promise<string> {
  const { sessionKey } = turn.row;
  const atMs = deps.clock.nowMs();
  await deps.store.sessions.reset(sessionKey, deps.ids.uuid(), atMs);
  deps.bus.emit({ type: "session.changed", sessionKey, change: "reset", atMs });
  return "A new conversation starts here. The old one is kept.";
}

function statusText({ turn, session, deps }: CommandContext): string {
  const wanted = session.settings["model"];
  const model =
    (typeof wanted === "string" ? deps.models().find(wanted) : undefined) ?? deps.models().primary(turn.row.agentId);
  return [
    `- model: ${model?.ref ?? "none"}`,
    `- messages: ${session.messageCount}`,
    `- tokens: ${totalTokens(session.usage)}`,
    `- cost: $${(session.costMicros / 1_000_000).toFixed(4)}`,
  ].join("\n");
}
