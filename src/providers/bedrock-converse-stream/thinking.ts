/** How a level of thinking is asked of a model behind Bedrock, and what it must not be asked for beside it. Pure. */
import type { ModelRequest } from "../contract.ts";
import type { ModelTraits } from "./model-traits.ts";

export interface Thinking {
  /** The model's own parameters, outside of what Converse knows. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** A thinking Claude refuses a temperature and a forced tool. */
  readonly isOn: boolean;
  /** Tokens of the answer, thoughts and all; undefined leaves it to the model. */
  readonly room: number | undefined;
}

/** Room for an answer that nobody bounded. Without a number Bedrock takes the model's whole length off the quota. */
const answerTokens = 32_000;
/** The least that a budget may be. */
const leastBudget = 1_024;

const shares: Readonly<Record<string, number>> = {
  minimal: 0.02,
  low: 0.1,
  medium: 0.3,
  high: 0.6,
  xhigh: 0.9,
  max: 0.95,
};

export function thinkingOf(request: ModelRequest, traits: ModelTraits): Thinking {
  const { model } = request;
  const room =
    request.maxOutputTokens ?? (model.maxTokens === null ? undefined : Math.min(model.maxTokens, answerTokens));
  const level = model.reasoning ? levelOf(request.thinking) : undefined;
  const off: Thinking = { fields: {}, isOn: false, room };
  if (level === undefined) return { ...off, isOn: traits.alwaysThinks };
  switch (traits.thinks) {
    case "adaptive":
      return level === "none" ? unwanted(traits, room) : adaptive(level, traits, room);
    case "budget":
      return level === "none" ? off : budget(level, room);
    case "effort":
      return level === "none" ? off : effort(level, traits, room);
    case "no":
      return off;
  }
}

type Level = "none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max";

/** Undefined leaves it to the model. */
function levelOf(name: string | undefined): Level | undefined {
  const level = name?.toLowerCase();
  if (level === "off") return "none";
  if (level === "on") return "medium";
  return levels.find((known) => known === level);
}

const levels: readonly Level[] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

function adaptive(level: string, traits: ModelTraits, room: number | undefined): Thinking {
  const wanted = level === "minimal" ? "low" : level;
  const asked = wanted === "xhigh" && !traits.xhighEffort ? "high" : wanted;
  // Without `summarized` the newer models send thoughts without a word in them.
  const fields = { thinking: { type: "adaptive", display: "summarized" }, output_config: { effort: asked } };
  return { fields, isOn: true, room };
}

function unwanted(traits: ModelTraits, room: number | undefined): Thinking {
  if (traits.betweenTools) return { fields: { thinking: { type: "between_tools" } }, isOn: true, room };
  if (traits.alwaysThinks) return { fields: { output_config: { effort: "low" } }, isOn: true, room };
  return { fields: { thinking: { type: "disabled" } }, isOn: false, room };
}

/** The budget is part of the answer's room and must leave some of it. */
function budget(level: string, asked: number | undefined): Thinking {
  const room = asked ?? answerTokens;
  if (room <= leastBudget) return { fields: {}, isOn: false, room };
  const budgetTokens = Math.min(room - 1, Math.max(leastBudget, Math.round(room * (shares[level] ?? 0))));
  return { fields: { thinking: { type: "enabled", budget_tokens: budgetTokens } }, isOn: true, room };
}

function effort(level: string, traits: ModelTraits, room: number | undefined): Thinking {
  const asked = level === "medium" ? "medium" : level === "minimal" || level === "low" ? "low" : "high";
  if (traits.family !== "nova") return { fields: { reasoning_effort: asked }, isOn: false, room };
  const fields = { reasoningConfig: { type: "enabled", maxReasoningEffort: asked } };
  // At its highest Nova refuses every bound.
  return asked === "high" ? { fields, isOn: true, room: undefined } : { fields, isOn: false, room };
}
