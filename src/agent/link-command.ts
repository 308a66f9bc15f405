/**
 * `/link` and `/unlink`: somebody who writes from two apps proves it from both, and is one person from then on. Between
 * two alone: a code in a group would be everybody's.
 */
import type { Identity, LinkOutcome } from "../domain/identity.ts";
import { limits } from "../domain/limits.ts";
import type { AgentDeps, Turn } from "./turn.ts";

export type LinkCommand = "link" | "unlink";

/** Resolves to what the chat reads. */
export async function linkByMessage(
  command: LinkCommand,
  words: string,
  { turn, deps }: { turn: Turn; deps: Pick<AgentDeps, "links" | "initialStateOf"> },
): Promise<string> {
  const { address, sender } = turn.row.message;
  if (address.chatKind !== "dm") return "Write that to me in a direct message.";
  // Where storing is delivering, the gateway itself brought the message, and nobody's platform vouches for its sender.
  if (deps.initialStateOf(address) === "sent")
    return "That is for chat apps: here everybody with the token is the owner.";
  const identity: Identity = { channel: address.channel, accountId: address.accountId, senderId: sender.id };
  if (command === "unlink") {
    return (await deps.links.unlink(identity)) ? "You are somebody of your own here again." : "You were not linked.";
  }
  const [code = "", word = "", ...more] = words.split(/\s+/);
  if (code === "") return offerText(await deps.links.offer(identity));
  if (more.length > 0 || (word !== "" && word.toLowerCase() !== "yes")) return usage;
  return outcomeText(code, await deps.links.accept(identity, code, word !== ""));
}

const usage = "Say `/link` in one app, and in the other `/link` with the code that you are told.";

function offerText(code: string): string {
  const minutes = limits.linkCodeTtlMs / 60_000;
  return `Write this to me from the other app, within ${minutes} minutes: \`/link ${code}\``;
}

function outcomeText(code: string, outcome: LinkOutcome): string {
  switch (outcome.outcome) {
    case "confirm":
      return [
        `This code was given to \`${outcome.other.senderId}\` on ${outcome.other.channel}. If that is you too, write`,
        `\`/link ${code} yes\`: from then on you are one person to me, and what either of you writes the other can read.`,
        "If somebody else sent you this code, do not.",
      ].join(" ");
    case "linked":
      return `You are one person with \`${outcome.other.senderId}\` on ${outcome.other.channel} now. \`/unlink\` ends it.`;
    case "unknown-code":
      return "That code is not good, or not any more. `/link` in the other app gives a new one.";
    case "same-identity":
      return "That is the code you were told here: write it from the other app.";
    case "too-many-attempts":
      return "Too many codes in a row. Wait a minute.";
  }
}
