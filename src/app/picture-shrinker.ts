/**
 * Pictures as each model's own service takes them: before the first call what surely would be refused is made smaller,
 * and after a refusal all of them, to stricter limits. What makes them smaller is loaded with the first picture that needs it.
 */
import type { ShrinkImages } from "../agent/calling/step-requests.ts";
import type { ProviderCatalogue } from "../providers/catalogue.ts";
import { imageLimitsOf, stricterImageLimits } from "../providers/images/image-limits.ts";
import { createImageResizer, type ResizeImage } from "../providers/images/image-resizer.ts";
import { hasUnfitImages, shrinkImages } from "../providers/images/shrink-images.ts";

export function createPictureShrinker(
  catalogue: () => Pick<ProviderCatalogue, "endpoint">,
  resize: ResizeImage = createImageResizer(),
): ShrinkImages {
  return (messages, { model, reason }) => {
    const endpoint = catalogue().endpoint(model.provider);
    if (endpoint === undefined) return Promise.resolve({ messages, changes: [] });
    const limits = imageLimitsOf(endpoint);
    if (reason !== null) return shrinkImages(messages, stricterImageLimits(limits), resize);
    return hasUnfitImages(messages, limits)
      ? shrinkImages(messages, limits, resize)
      : Promise.resolve({ messages, changes: [] });
  };
}
