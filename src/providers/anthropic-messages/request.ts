/** Our request in the words of Anthropic's `/messages`. Pure. */
import type { JSONObject, LanguageModelV4CallOptions } from "@ai-sdk/provider";
import { callOptions } from "../ai-sdk/call-options.ts";
import { eitherSeal, fieldSeal, type Seals } from "../ai-sdk/seal.ts";
import type { ModelInfo } from "../../domain/conversation.ts";
import type { ModelRequest, ProviderEndpoint } from "../contract.ts";
import { withCacheMarks } from "./cache-marks.ts";
import { thinkingOfRequest, unboundedAnswerTokens, type ThinkingWire } from "../thinking.ts";

/** Thoughts are signed, or encrypted as a whole; both must come back as they were or the call is refused. */
export function sealsOf(_endpoint: ProviderEndpoint, model: ModelInfo): Seals {
  const signed = fieldSeal(`anthropic/${model.id}`, "anthropic", "signature");
  return { thoughts: eitherSeal(signed, fieldSeal(`anthropic-redacted/${model.id}`, "anthropic", "redactedData")) };
}

export function optionsOf(request: ModelRequest, endpoint: ProviderEndpoint): LanguageModelV4CallOptions {
  const wantsAnyJson = request.responseFormat !== undefined && request.responseFormat.schema === undefined;
  const { responseFormat: _unsupported, ...plain } = request;
  const asked = wantsAnyJson
    ? { ...plain, system: `${request.system}\n\nAnswer with one JSON object and nothing else.`.trim() }
    : request;
  const options = callOptions(asked, { seals: sealsOf(endpoint, request.model) });
  const { maxTokens } = request.model;
  // The protocol demands a number: all that the model has, within reason.
  if (options.maxOutputTokens === undefined && maxTokens !== null)
    options.maxOutputTokens = Math.min(maxTokens, unboundedAnswerTokens);
  const thinking = thinkingOfRequest("anthropic-messages", request)?.wire;
  // The SDK counts the thoughts on top: what it is given here is what the answer may have.
  if (thinking?.kind === "budget" && thinking.answerTokens !== null) options.maxOutputTokens = thinking.answerTokens;
  if (thinking !== undefined) options.providerOptions = { anthropic: thinkingOptions(thinking) };
  return withCacheMarks(options);
}

function thinkingOptions(wire: ThinkingWire): JSONObject {
  switch (wire.kind) {
    case "budget":
      if (wire.tokens === null) return {};
      return {
        thinking: wire.tokens === 0 ? { type: "disabled" } : { type: "enabled", budgetTokens: wire.tokens },
      };
    case "adaptive":
      return {
        thinking: { type: "adaptive", display: "summarized" },
        ...(wire.effort === null ? {} : { effort: wire.effort }),
      };
    case "between-tools":
      return { thinking: { type: "between_tools" } };
    default:
      return {};
  }
}

/** With or without the version in the configured address, as both are common. */
export function baseUrlOf(endpoint: ProviderEndpoint): string {
  const base = (endpoint.baseUrl ?? "https://api.anthropic.com").replace(/\/+$/, "");
  return base.endsWith("/v1") ? base : `${base}/v1`;
}
