/**
 * Thoughts that go back to the model as they came. A signed one with its text, an encrypted one whole; each is marked
 * with protocol and model, because another's is refused.
 */
import type { AssistantContent, ModelInfo } from "../../domain/conversation.ts";

type Thought = Extract<AssistantContent, { type: "thinking" }>;

export function signedSeal(modelId: string, signature: string): string {
  return `bedrock/${modelId}:${signature}`;
}

export function encryptedSeal(modelId: string, data: string): string {
  return `bedrock-redacted/${modelId}:${data}`;
}

/** None where the thought is unsealed or another's. */
export function thoughtOf(
  { text, signature }: Thought,
  { id }: Pick<ModelInfo, "id">,
): Readonly<Record<string, unknown>>[] {
  const signed = behind(signedSeal(id, ""), signature);
  if (signed !== undefined) return [{ reasoningContent: { reasoningText: { text, signature: signed } } }];
  const encrypted = behind(encryptedSeal(id, ""), signature);
  return encrypted === undefined ? [] : [{ reasoningContent: { redactedContent: encrypted } }];
}

function behind(mark: string, seal: string | undefined): string | undefined {
  return seal?.startsWith(mark) === true ? seal.slice(mark.length) : undefined;
}
