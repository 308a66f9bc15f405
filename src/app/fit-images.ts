/**
 * Pictures as the provider that is asked takes them: what it would refuse for sure is made smaller before the first call,
 * and after a refusal all of them are, by stricter measures than its own.
 */
import type { ShrinkImages } from "../agent/contract.ts";
import type { Log } from "../platform/log.ts";
import type { ProviderEndpoint } from "../providers/contract.ts";
import { imageLimitsOf, stricterImageLimits } from "../providers/images/image-limits.ts";
import { createImageResizer } from "../providers/images/image-resizer.ts";
import { hasUnfitImages, shrinkImages } from "../providers/images/shrink-images.ts";

export interface FitImagesDeps {
  readonly endpointOf: (providerId: string) => ProviderEndpoint | undefined;
  readonly log: Log;
}

export function createFitImages({ endpointOf, log }: FitImagesDeps): ShrinkImages {
  const resize = createImageResizer();
  return async (messages, { model, reason }) => {
    const endpoint = endpointOf(model.provider);
    // To a model that cannot see a picture is told in words, whatever its size.
    if (endpoint === undefined || !model.input.includes("image")) return messages;
    const usual = imageLimitsOf(endpoint);
    if (reason === null && !hasUnfitImages(messages, usual)) return messages;
    const limits = reason === null ? usual : stricterImageLimits(usual);
    const shrunk = await shrinkImages(messages, limits, resize);
    for (const change of shrunk.changes) log.debug("a picture was made to fit", { model: model.ref, change });
    return shrunk.messages;
  };
}
