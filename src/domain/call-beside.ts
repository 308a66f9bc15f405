/**
 * Calls that cost money and belong to no turn, such as those for the memory's vectors. Whoever makes one knows nothing of
 * budgets: it has the call paid, and is refused where nobody pays.
 */
import type { ModelInfo } from "./conversation.ts";

/** As much of a model as money is about. */
export type PricedModel = Pick<ModelInfo, "ref" | "provider" | "id" | "maxTokens" | "price">;

export interface CallBeside {
  readonly purpose: "memory" | "speech";
  readonly agentId: string;
  readonly model: PricedModel;
  /** Of what is read, as UTF-8: no token is shorter than a byte. */
  readonly inputBytes: number;
}

/**
 * Asks where somebody pays, and books what it cost before the answer is given back. Throws BUDGET_001–003 without having
 * asked, and whatever `ask` throws. `tokensOf`: what the provider counted as read, null where it told nothing; absent for a
 * service that does not count in tokens.
 */
export type PayBeside = <Answer>(
  call: CallBeside,
  ask: () => Promise<Answer>,
  tokensOf?: (answer: Answer) => number | null,
) => Promise<Answer>;
