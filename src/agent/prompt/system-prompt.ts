/**
 * The system prompt: named sections, in an order that keeps the front stable so that providers can cache it.
 * Nothing that a stranger can influence stands here (names, topics, folders): that goes into the user's part. What the
 * agent's own folder says is its owner's word, and stands here.
 */
import type { Config } from "../../config/schema/root.ts";
import type { Address } from "../../domain/message.ts";
import type { Surroundings } from "../../skills/contract.ts";

export interface PromptFacts {
  readonly agentName: string;
  /** What the operator says of this agent. */
  readonly agentInstructions: string | undefined;
  readonly address: Pick<Address, "chatKind">;
  readonly toolNames: readonly string[];
  /** What the agent's folder says: workspace files and skills, as they were when the turn began. */
  readonly surroundings: Surroundings["sections"];
  /** Instructions of the caller, when the caller may give some. */
  readonly instructions: string | undefined;
}

export interface PromptSection {
  readonly name: string;
  readonly text: string;
}

/** What the configuration and the turn say of a prompt. */
export function promptFacts(
  config: Config,
  turn: Pick<PromptFacts, "address" | "toolNames" | "instructions"> &
    Partial<Pick<PromptFacts, "surroundings">> & { readonly agentId: string },
): PromptFacts {
  const { agentId, ...facts } = turn;
  const agent = config.agents.list.find(({ id }) => id === agentId);
  return {
    surroundings: [],
    ...facts,
    agentName: agent?.identity?.name ?? agent?.name ?? "OpenClaw",
    agentInstructions: agent?.instructions,
  };
}

export function promptSections(facts: PromptFacts): readonly PromptSection[] {
  const sections: readonly PromptSection[] = [
    {
      name: "identity",
      text: `You are ${facts.agentName}, a personal assistant. You talk with people through the chat apps they use.`,
    },
    {
      name: "manner",
      text: "Answer in the language of the person. Be brief and exact. Say plainly what you do not know or cannot do.",
    },
    { name: "agent", text: facts.agentInstructions ?? "" },
    ...facts.surroundings,
    { name: "tools", text: toolsText(facts.toolNames) },
    { name: "place", text: placeText(facts.address) },
    { name: "instructions", text: facts.instructions ?? "" },
  ];
  return sections.filter(({ text }) => text.trim() !== "");
}

export function systemPrompt(facts: PromptFacts): string {
  return promptSections(facts)
    .map((section) => section.text)
    .join("\n\n");
}

function toolsText(names: readonly string[]): string {
  return names.length === 0
    ? ""
    : "You have tools. Use one when it gives a better answer than memory; never claim to have used one that you did not use.";
}

function placeText({ chatKind }: PromptFacts["address"]): string {
  return chatKind === "dm"
    ? "This is a direct conversation with one person."
    : "This is a group: several people read along, and each message says who wrote it.";
}
