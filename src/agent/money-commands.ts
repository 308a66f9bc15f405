/**
 * `/allow`, `/deny`, `/pause` and `/resume`: owners alone decide about money, and nobody is told who they are. Whoever is
 * one is known by the platform's id of who wrote or pressed the button.
 */
import { dollarsOf } from "../domain/money.ts";
import type { InboundMessage } from "../domain/message.ts";
import type { AllowOutcome } from "../budget/contract.ts";
import type { AgentDeps, Turn } from "./turn.ts";

export type MoneyCommand = "allow" | "deny" | "pause" | "resume";

const refusal = "That is not for you to ask.";

/** Resolves to what the chat reads. */
export async function decideByMessage(
  command: MoneyCommand,
  words: string,
  { turn, deps }: { turn: Turn; deps: Pick<AgentDeps, "isOwner" | "budgetDesk"> },
): Promise<string> {
  const { message } = turn.row;
  if (!deps.isOwner(message)) return refusal;
  const by = deciderOf(message);
  switch (command) {
    case "allow":
      return allow(words, by, deps);
    case "deny":
      return deny(words, by, deps);
    case "pause":
      await pauseByMessage(message, words, deps);
      return "⏸️ Paused: no model is called until an owner says /resume. Messages are kept until then.";
    case "resume": {
      const { lifted, replayed } = await deps.budgetDesk.resume({ agentId: null, by });
      if (lifted === 0) return "Nothing was paused.";
      return `▶️ It goes on.${replayed === 0 ? "" : ` ${messages(replayed)} that waited ${replayed === 1 ? "is" : "are"} answered now.`}`;
    }
  }
}

/** Carried out once for one message: when it comes in, so that it waits for no turn, or with its turn. */
export async function pauseByMessage(
  message: InboundMessage,
  words: string,
  { budgetDesk }: Pick<AgentDeps, "budgetDesk">,
): Promise<void> {
  const reason = words === "" ? null : words.slice(0, reasonChars).toWellFormed();
  await budgetDesk.pause({ agentId: null, reason, by: deciderOf(message), cause: message.id });
}

const reasonChars = 200;

function deciderOf({ address, sender }: InboundMessage): string {
  return `${address.channel}:${sender.id}`;
}

async function allow(words: string, by: string, { budgetDesk }: Pick<AgentDeps, "budgetDesk">): Promise<string> {
  const [id = "", amount, ...more] = words.split(/\s+/);
  const micros = amount === undefined ? undefined : microsOf(amount);
  if (id === "" || micros === null || more.length > 0) {
    return "Say which one, and how much if you like: `/allow 1a2b3c4d 2.50` (dollars).";
  }
  return told(await budgetDesk.allow(id, { by, ...(micros === undefined ? {} : { micros }) }));
}

async function deny(words: string, by: string, { budgetDesk }: Pick<AgentDeps, "budgetDesk">): Promise<string> {
  if (!/^\S+$/.test(words)) return "Say which one: `/deny 1a2b3c4d`.";
  return told(await budgetDesk.deny(words, by));
}

/** A thousand dollars by a slip of the finger are not allowed by message; the command line takes any amount. */
const mostUsd = 1_000;

/** `2.50`, `2,50`, `$2`; null for anything else. */
function microsOf(text: string): number | null {
  if (!/^\$?\d+(?:[.,]\d{1,6})?$/.test(text)) return null;
  const usd = Number(text.replace("$", "").replace(",", "."));
  return usd > 0 && usd <= mostUsd ? Math.round(usd * 1_000_000) : null;
}

function told(outcome: AllowOutcome): string {
  switch (outcome.outcome) {
    case "allowed":
      return `✅ ${dollarsOf(outcome.micros)} more allowed.${outcome.replayed === 0 ? "" : ` ${messages(outcome.replayed)} that waited ${outcome.replayed === 1 ? "is" : "are"} answered now.`}`;
    case "denied":
      return "No more is allowed. The message stays on the list of dead letters.";
    case "late":
      return outcome.row.state === "expired"
        ? "The time for that is over: write again where it was asked."
        : `That was decided already: ${outcome.row.state}.`;
    case "unknown":
      return "There is no such question.";
  }
}

function messages(count: number): string {
  return count === 1 ? "1 message" : `${count} messages`;
}
