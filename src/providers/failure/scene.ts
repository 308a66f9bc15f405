/** The circumstances of one call that its failure is judged by. Pure. */
import { readableAs } from "../attachment-note.ts";
import type { ModelRequest, ProviderEndpoint } from "../contract.ts";
import type { FaultScene } from "./fault.ts";

export function faultScene(endpoint: ProviderEndpoint, request: ModelRequest, nowMs: number): FaultScene {
  return { endpoint, model: request.model.id, nowMs, hasImages: hasImages(request) };
}

/** Those alone that the model is shown: of the others it gets a note. */
function hasImages({ messages, model }: ModelRequest): boolean {
  return messages.some(
    (message) =>
      message.role === "user" &&
      message.content.some(
        (part) => part.type === "file" && readableAs(part.attachment, model)?.startsWith("image/") === true,
      ),
  );
}
