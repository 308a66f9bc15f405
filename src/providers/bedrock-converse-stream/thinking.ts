/** How a plan of thinking is told to a model behind Bedrock, and what it must not be asked for beside it. Pure. */
import type { ModelRequest } from "../contract.ts";
import { thinkingOfRequest, unboundedAnswerTokens, type ThinkingWire } from "../thinking.ts";
import type { ModelTraits } from "./model-traits.ts";

export interface Thinking {
  /** The model's own parameters, outside of what Converse knows. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** A thinking Claude refuses a temperature and a forced tool. */
  readonly isOn: boolean;
  /** Tokens of the answer, thoughts and all; undefined leaves it to the model. */
  readonly room: number | undefined;
}

export function thinkingOf(request: ModelRequest, traits: ModelTraits): Thinking {
  const { maxTokens } = request.model;
  // Without a number Bedrock takes the model's whole length off the quota.
  const room = request.maxOutputTokens ?? (maxTokens === null ? undefined : Math.min(maxTokens, unboundedAnswerTokens));
  const wire = thinkingOfRequest("bedrock-converse-stream", request)?.wire;
  return { isOn: traits.alwaysThinks, room, fields: {}, ...(wire === undefined ? {} : told(wire, traits, room)) };
}

function told(wire: ThinkingWire, traits: ModelTraits, room: number | undefined): Partial<Thinking> {
  switch (wire.kind) {
    case "adaptive": {
      const effort = wire.effort === null ? {} : { output_config: { effort: wire.effort } };
      // Without `summarized` the newer models send thoughts without a word in them.
      return { isOn: true, fields: { thinking: { type: "adaptive", display: "summarized" }, ...effort } };
    }
    case "between-tools":
      return { isOn: true, fields: { thinking: { type: "between_tools" } } };
    case "budget":
      return budget(wire, traits);
    case "effort":
      return effort(wire.effort, traits, room);
    case "switch":
    case "nothing":
      return {};
  }
}

/** Here the budget is part of the answer's room. */
function budget(
  { tokens, answerTokens }: Extract<ThinkingWire, { kind: "budget" }>,
  traits: ModelTraits,
): Partial<Thinking> {
  if (tokens === null) return {};
  // The older ones do not think unless they are asked to; the newer ones do.
  if (tokens === 0) return traits.thinks === "adaptive" ? { fields: { thinking: { type: "disabled" } } } : {};
  const room = tokens + (answerTokens ?? unboundedAnswerTokens);
  return { isOn: true, room, fields: { thinking: { type: "enabled", budget_tokens: tokens } } };
}

function effort(rung: string, traits: ModelTraits, room: number | undefined): Partial<Thinking> {
  if (rung === "off") return {};
  if (traits.family !== "nova") return { fields: { reasoning_effort: rung } };
  const fields = { reasoningConfig: { type: "enabled", maxReasoningEffort: rung } };
  // At its highest Nova refuses every bound.
  return rung === "high" ? { fields, isOn: true, room: undefined } : { fields, room };
}
