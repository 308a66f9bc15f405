/** The desk of a running house: chooses from the catalogue in force, and remembers how each candidate stands. */
import { AppError } from "../domain/app-error.ts";
import type { ModelProvider } from "../providers/contract.ts";
import type { ProviderCatalogue } from "../providers/catalogue.ts";
import type { Candidate, ModelDesk } from "./contract.ts";

export interface ModelDeskDeps {
  /** Of this moment. */
  readonly catalogue: () => ProviderCatalogue;
  readonly open: (candidate: Candidate) => Promise<ModelProvider>;
}

export function createModelDesk({ catalogue, open }: ModelDeskDeps): ModelDesk {
  return {
    async choose({ agentId, requested, sessionModel }) {
      const models = catalogue();
      const wanted = requested ?? sessionModel;
      const model = wanted === undefined ? models.primary(agentId) : models.find(wanted);
      if (model === undefined) {
        throw new AppError(
          "MODEL_001",
          wanted === undefined ? "No model is configured." : `The model ${JSON.stringify(wanted)} is not known.`,
        );
      }
      return {
        candidates: [{ model, profileId: null }],
        considered: [{ model: model.ref, profileId: null, verdict: "used", step: "lookup", why: "configured" }],
        tier: null,
        score: null,
      };
    },
    open,
    standing: () => ({ usable: true, trial: false }),
    report: () => undefined,
    pin: () => undefined,
    quota: () => undefined,
  };
}
