/** A desk that knows no failures: the same models, in the same order, whatever happened. For simulations and tests. */
import { AppError } from "../domain/app-error.ts";
import type { ModelInfo } from "../domain/conversation.ts";
import type { ModelProvider } from "../providers/contract.ts";
import type { Candidate, FallbackTrigger, ModelDesk, Outcome } from "./contract.ts";

export interface FixedDeskOptions {
  /** The first answers, the others follow where it fails. */
  readonly models: readonly ModelInfo[];
  readonly open: (candidate: Candidate) => Promise<ModelProvider>;
  /** Everything but what a safety filter blocked, where absent. */
  readonly fallbackOn?: readonly FallbackTrigger[];
  /** Hears what every call came to. */
  readonly onReport?: (candidate: Candidate, outcome: Outcome) => void;
}

export function createFixedDesk({ models, open, onReport, fallbackOn = usual }: FixedDeskOptions): ModelDesk {
  return {
    async choose({ requested, sessionModel }) {
      const wanted = requested ?? sessionModel;
      const first = models.find(({ ref, id }) => wanted === undefined || ref === wanted || id === wanted);
      if (first === undefined) {
        throw new AppError(
          "MODEL_001",
          wanted === undefined ? "No model is configured." : `The model ${JSON.stringify(wanted)} is not known.`,
        );
      }
      const rest = models.filter((model) => model !== first);
      return {
        candidates: [candidateOf(first), ...rest.map(candidateOf)],
        later: [],
        considered: [first, ...rest].map(({ ref }, index) => ({
          model: ref,
          profileId: null,
          verdict: index === 0 ? "used" : "next",
          step: "fallback",
          why: "fixed",
        })),
        tier: null,
        score: null,
        fallbackOn,
      };
    },
    open,
    standing: () => ({ usable: true, trial: false }),
    enter: () => ({ usable: true, trial: false }),
    forgo: () => undefined,
    report: (candidate, outcome) => onReport?.(candidate, outcome),
    pin: () => undefined,
    quota: () => undefined,
  };
}

const usual: readonly FallbackTrigger[] = ["rate-limit", "on-error", "auth", "context-overflow"];

function candidateOf(model: ModelInfo): Candidate {
  return { model, profileId: null };
}
