/** Our request in the words of Gemini's `streamGenerateContent`. Pure. */
import type { LanguageModelV4CallOptions } from "@ai-sdk/provider";
import { callOptions } from "../ai-sdk/call-options.ts";
import { fieldSeal, type Seals } from "../ai-sdk/seal.ts";
import type { ModelInfo } from "../../domain/conversation.ts";
import type { ModelRequest, ProviderEndpoint } from "../contract.ts";

/** Gemini signs tool calls more than thoughts; newer models refuse a call that comes back without its signature. */
export function sealsOf(_endpoint: ProviderEndpoint, model: ModelInfo): Seals {
  return {
    thoughts: fieldSeal(`google/${model.id}`, "google", "thoughtSignature"),
    calls: fieldSeal(`google-call/${model.id}`, "google", "thoughtSignature"),
  };
}

export function optionsOf(request: ModelRequest, endpoint: ProviderEndpoint): LanguageModelV4CallOptions {
  const options = callOptions(request, { seals: sealsOf(endpoint, request.model) });
  if (options.reasoning !== undefined && options.reasoning !== "none") {
    options.providerOptions = { google: { thinkingConfig: { includeThoughts: true } } };
  }
  return options;
}

/** With or without the version in the configured address. */
export function baseUrlOf(endpoint: ProviderEndpoint): string {
  const base = (endpoint.baseUrl ?? "https://generativelanguage.googleapis.com").replace(/\/+$/, "");
  return /\/v\d[a-z0-9]*$/.test(base) ? base : `${base}/v1beta`;
}
