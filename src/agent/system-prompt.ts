/**
 * The system prompt: named sections, in an order that keeps the front stable so that providers can cache it.
 * Nothing that a stranger can influence stands here (names, topics, folders): that goes into the user's part.
 */
import type { Address } from "../domain/message.ts";

export interface PromptFacts {
  readonly agentName: string;
  readonly address: Address;
  readonly toolNames: readonly string[];
  /** Instructions of the caller, when the caller may give some. */
  readonly instructions: string | undefined;
}

export interface PromptSection {
  readonly name: string;
  readonly text: string;
}

export function promptSections(facts: PromptFacts): readonly PromptSection[] {
  return [
    {
      name: "identity",
      text: `You are ${facts.agentName}, a personal assistant. You talk with people through the chat apps they use.`,
    },
    {
      name: "manner",
      text: "Answer in the language of the person. Be brief and exact. Say plainly what you do not know or cannot do.",
    },
    ...(facts.toolNames.length === 0
      ? []
      : [
          {
            name: "tools",
            text: `You have tools: ${facts.toolNames.join(", ")}. Use one when it gives a better answer than memory; never claim to have used one that you did not use.`,
          },
        ]),
    { name: "place", text: placeText(facts.address) },
    ...(facts.instructions === undefined || facts.instructions.trim() === ""
      ? []
      : [{ name: "instructions", text: facts.instructions }]),
  ];
}

export function systemPrompt(facts: PromptFacts): string {
  return promptSections(facts)
    .map((section) => section.text)
    .join("\n\n");
}

function placeText(address: Address): string {
  return address.chatKind === "dm"
    ? "This is a direct conversation with one person."
    : "This is a group: several people read along, and each message says who wrote it.";
}
