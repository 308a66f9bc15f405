/** What a person is asked about an act that is no command: shown whole, and bound to exactly that. */
import type { Act } from "../domain/act.ts";
import type { Taint } from "../domain/taint.ts";
import { contentHash } from "../platform/content-hash.ts";
import type { CallFacts, Question } from "./contract.ts";

export function questionOf({ tool, act, taint }: CallFacts, reasons: readonly string[]): Question {
  return {
    tool,
    shown: shownAct(tool, act),
    reasons,
    taint,
    binding: contentHash([tool, act]),
    command: null,
    // Nothing but a command can be allowed for good.
    always: null,
    fallback: "deny",
  };
}

/** Whole and exact; never cut. */
export function shownAct(tool: string, act: Act): string {
  switch (act.kind) {
    case "command":
      return act.text;
    case "file": {
      const more = (act.names ?? []).slice(1).map((name) => `\nand ${name}`);
      return `${tool}: ${act.access} ${act.path}${more.join("")}${behind(act.text)}`;
    }
    case "fetch":
      return `${tool}: ${act.url}`;
    case "message": {
      const { channel, accountId, chatId, threadId } = act.to;
      const thread = threadId === undefined ? "" : `, thread ${threadId}`;
      return `${tool}: to ${channel} chat ${chatId}${thread} (account ${accountId}):\n${act.text}`;
    }
    case "session":
      return `${tool}: to session ${act.sessionKey} of agent ${act.agentId}:\n${act.text}`;
    case "memory":
      return `${tool}: ${act.access} memory${behind(act.text)}`;
    case "server":
      return `${tool}: ${act.tool} of ${act.server}${behind(act.text)}`;
    case "look":
      return tool;
  }
}

function behind(text: string | undefined): string {
  return text === undefined ? "" : `\n${text}`;
}

/** One sentence that names where the words came from; empty where nothing tainted the context. */
export function taintReasons(taint: readonly Taint[]): readonly string[] {
  if (taint.length === 0) return [];
  const sources = [...new Set(taint.map(({ source }) => source))];
  return [`The assistant has read what nobody here typed, and it may have asked for this: ${sources.join("; ")}.`];
}

export function isForeign(taint: readonly Taint[]): boolean {
  return taint.some((one) => one.class === "foreign");
}
