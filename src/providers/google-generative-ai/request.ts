/** Our request in the words of Gemini's `streamGenerateContent`. Pure. */
import type { JSONObject, LanguageModelV4CallOptions } from "@ai-sdk/provider";
import { callOptions } from "../ai-sdk/call-options.ts";
import { fieldSeal, type Seals } from "../ai-sdk/seal.ts";
import type { ModelInfo } from "../../domain/conversation.ts";
import type { ModelRequest, ProviderEndpoint } from "../contract.ts";
import { thinkingOfRequest, type ThinkingWire } from "../thinking.ts";

/** Gemini signs tool calls more than thoughts; newer models refuse a call that comes back without its signature. */
export function sealsOf(_endpoint: ProviderEndpoint, model: ModelInfo): Seals {
  return {
    thoughts: fieldSeal(`google/${model.id}`, "google", "thoughtSignature"),
    calls: fieldSeal(`google-call/${model.id}`, "google", "thoughtSignature"),
  };
}

export function optionsOf(request: ModelRequest, endpoint: ProviderEndpoint): LanguageModelV4CallOptions {
  const options = callOptions(request, { seals: sealsOf(endpoint, request.model) });
  const thinking = thinkingOfRequest("google-generative-ai", request);
  // Models that do not think refuse even the question whether their thoughts may be seen.
  if (thinking !== undefined && (thinking.wire.kind !== "nothing" || thinking.effective === "adaptive"))
    options.providerOptions = { google: { thinkingConfig: thinkingConfig(thinking.wire) } };
  return options;
}

/** Thoughts are counted within the answer's tokens here, so the answer's limit stays as it is. */
function thinkingConfig(wire: ThinkingWire): JSONObject {
  if (wire.kind === "budget") {
    // -1 is the protocol's word for as many as the model likes.
    return wire.tokens === 0 ? { thinkingBudget: 0 } : { thinkingBudget: wire.tokens ?? -1, includeThoughts: true };
  }
  return wire.kind === "effort" ? { thinkingLevel: wire.effort, includeThoughts: true } : { includeThoughts: true };
}

/** With or without the version in the configured address. */
export function baseUrlOf(endpoint: ProviderEndpoint): string {
  const base = (endpoint.baseUrl ?? "https://generativelanguage.googleapis.com").replace(/\/+$/, "");
  return /\/v\d[a-z0-9]*$/.test(base) ? base : `${base}/v1beta`;
}
