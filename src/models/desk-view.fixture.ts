/** A view of a desk that knows no failures, over a catalogue. For tests of what asks it. */
import { AppError } from "../domain/app-error.ts";
import type { ModelInfo } from "../domain/conversation.ts";
import type { ModelDeskView } from "./contract.ts";

export function fakeDeskView(models: { find(name: string): ModelInfo | undefined }): ModelDeskView {
  return {
    explain: () =>
      Promise.resolve({
        considered: [],
        model: null,
        profileId: null,
        tier: null,
        score: null,
        fallbackOn: [],
        error: new AppError("MODEL_001", "No model is configured.").toJSON(),
      }),
    authState: () => "ok",
    refusal: (name) =>
      models.find(name) === undefined
        ? new AppError("MODEL_001", `The model ${name} is not known.`, { details: { param: "model" } }).toJSON()
        : null,
    knowsLogin: () => true,
    forget: () => 0,
  };
}
