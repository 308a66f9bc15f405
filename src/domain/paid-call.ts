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

export interface Metered {
  /** Tokens, as the provider counted them; null where it told nothing. */
  readonly inputTokens: number | null;
}

/**
 * Asks where somebody pays, and books what it cost before the answer is given back. Throws BUDGET_001–003 without having
 * asked, and whatever `ask` throws.
 */
export type PayBeside = <Answer extends Metered>(call: CallBeside, ask: () => Promise<Answer>) => Promise<Answer>;
