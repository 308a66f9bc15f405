/**
 * How much a model is to think: one table, level by protocol and family, of what goes on the wire. A level that a model
 * does not have becomes the nearest one it has, and the plan says so. Pure; the wires' own words stay with the wires.
 */
import type { ModelInfo } from "../domain/conversation.ts";
import { isThinkingLevel, type ThinkingLevel } from "../domain/thinking-level.ts";
import type { ModelApi, ModelRequest } from "./contract.ts";

/** The amounts that wires know, from nothing to most. */
export const thinkingRungs = ["off", "minimal", "low", "medium", "high", "xhigh", "max"] as const;
export type ThinkingRung = (typeof thinkingRungs)[number];

/** What is to be written into a request, in the words of no wire. */
export type ThinkingWire =
  /** Nothing: the model does as it always does. */
  | { readonly kind: "nothing" }
  /** A word; `off` is the wire's word for no thinking at all. */
  | { readonly kind: "effort"; readonly effort: ThinkingRung }
  /** Tokens for thoughts; 0 is none, null is as many as the model likes. `answerTokens` is what is left for the answer. */
  | { readonly kind: "budget"; readonly tokens: number | null; readonly answerTokens: number | null }
  /** The model decides from question to question; the word pulls it up or down. */
  | { readonly kind: "adaptive"; readonly effort: ThinkingRung | null }
  /** Between tool calls alone: the least that some models can. */
  | { readonly kind: "between-tools" }
  | { readonly kind: "switch"; readonly on: boolean };

export interface ThinkingPlan {
  readonly asked: ThinkingLevel;
  /** What the model does: a rung, or a word for an amount that is its own affair. */
  readonly effective: ThinkingRung | "on" | "adaptive" | "default";
  /** True where that is not what was asked: the turn says so. */
  readonly clamped: boolean;
  readonly wire: ThinkingWire;
}

export interface ThinkingRoom {
  /** What the caller allows for thoughts and answer together; absent where nobody bounds it. */
  readonly maxOutputTokens?: number | undefined;
  readonly hasTools?: boolean;
}

export function thinkingFor(
  api: ModelApi,
  model: Pick<ModelInfo, "id" | "reasoning" | "maxTokens">,
  level: ThinkingLevel,
  room: ThinkingRoom = {},
): ThinkingPlan {
  const ability = model.reasoning ? abilityOf(api, model.id, room) : none;
  const wanted = rungs[level];
  const plan = (effective: ThinkingPlan["effective"], wire: ThinkingWire): ThinkingPlan => ({
    asked: level,
    effective,
    clamped: effective !== wanted && !(level === "on" && effective === "on"),
    wire,
  });
  if (ability.by === "nothing") return plan(model.reasoning ? "default" : "off", { kind: "nothing" });
  if (wanted === "adaptive" && decidesItself(ability)) return plan("adaptive", adaptiveWire(ability));
  const rung = nearest(wanted === "adaptive" ? "medium" : wanted, ability.rungs);
  switch (ability.by) {
    case "effort":
      return plan(rung, { kind: "effort", effort: rung });
    case "switch":
      return rung === "off" ? plan("off", { kind: "switch", on: false }) : plan("on", { kind: "switch", on: true });
    case "adaptive":
      return plan(rung, effortWire(rung));
    case "budget":
      return budgeted(rung, ability, { model, room, plan });
  }
}

/** The plan of a request; undefined where it leaves thinking to the model, or names no level there is. */
export function thinkingOfRequest(api: ModelApi, request: ModelRequest): ThinkingPlan | undefined {
  const level = request.thinking === "none" ? "off" : request.thinking?.toLowerCase();
  if (!isThinkingLevel(level)) return undefined;
  const { model, maxOutputTokens, tools } = request;
  return thinkingFor(api, model, level, { maxOutputTokens, hasTools: tools.length > 0 });
}

/** The word as OpenAI and those after it spell it. */
export function effortWord(rung: ThinkingRung): string {
  return rung === "off" ? "none" : rung;
}

/** Answers beyond this are rare: what a model may write behind its thoughts where nobody bounds it. */
export const unboundedAnswerTokens = 32_000;

/** What the older words mean. `on` is the middle. */
const rungs: Readonly<Record<ThinkingLevel, ThinkingRung | "adaptive">> = {
  off: "off",
  on: "medium",
  adaptive: "adaptive",
  minimal: "minimal",
  low: "low",
  medium: "medium",
  high: "high",
  extended: "high",
  xhigh: "xhigh",
  "x-high": "xhigh",
  deep: "xhigh",
  max: "max",
  ultra: "max",
};

const budgetTokens: Readonly<Record<ThinkingRung, number>> = {
  off: 0,
  minimal: 1_024,
  low: 4_096,
  medium: 12_288,
  high: 24_576,
  xhigh: 32_000,
  max: 64_000,
};

interface Ability {
  readonly by: "nothing" | "effort" | "adaptive" | "budget" | "switch";
  /** In rising order; without `off` where the model cannot but think. */
  readonly rungs: readonly ThinkingRung[];
  /** Of a budget, both ends included. */
  readonly budget?: readonly [least: number, most: number];
  /** Whether a budget can be left to the model; without one the older models do not think at all. */
  readonly isDynamic?: boolean;
}

type Row = readonly [family: RegExp, ability: Ability];

const none: Ability = { by: "nothing", rungs: [] };

function efforts(words: string): Ability {
  return { by: "effort", rungs: rungsIn(words) };
}

function rungsIn(words: string): readonly ThinkingRung[] {
  const named = words.split(" ");
  return thinkingRungs.filter((rung) => named.includes(rung));
}

/** Names stand bare, behind a vendor's (`openai/gpt-5`), or behind a region's (`us.anthropic.claude-…`). */
function family(pattern: string): RegExp {
  return new RegExp(`(^|[/.])${pattern}`, "i");
}

/** What OpenAI documents for each family; a server that resells them passes the word on. First match wins. */
const openAiFamilies: readonly Row[] = [
  [family("o[134](-|$)"), efforts("low medium high")],
  [family("gpt-5-pro"), efforts("high")],
  [family("gpt-5(-mini|-nano|-codex)?(-\\d|$)"), efforts("minimal low medium high")],
  [family("gpt-5\\.1-codex-max"), efforts("low medium high xhigh")],
  [family("gpt-5\\.\\d-codex"), efforts("low medium high xhigh")],
  [family("gpt-5\\.1"), efforts("off low medium high")],
  [family("gpt-5\\.\\d-pro"), efforts("medium high xhigh")],
  [family("gpt-5\\.[2-5]"), efforts("off low medium high xhigh")],
  [family("gpt-5\\."), efforts("off low medium high xhigh max")],
  [family("gpt-6(\\.1-terra|-luna|-sol)"), efforts("off low medium high xhigh max")],
  [family("gpt-6"), efforts("low medium high xhigh max")],
  [family("gpt-oss"), efforts("low medium high")],
];

/** Servers that speak OpenAI's protocol. The three middle words are what all of them know that know any. */
const compatibleFamilies: readonly Row[] = [
  ...openAiFamilies,
  [family("grok-3-mini"), efforts("low high")],
  // These refuse the parameter with a 400: they think, or not, by their name.
  [family("(grok-(4|code)|deepseek-(reasoner|r1)|magistral)"), none],
  [family("gemini-2\\.5-flash"), efforts("off low medium high")],
  [/./, efforts("low medium high")],
];

const adaptiveAll = "low medium high xhigh max";

const claudeBudget: Ability = { by: "budget", rungs: thinkingRungs, budget: [1_024, 64_000] };

const anthropicFamilies: readonly Row[] = [
  [family("claude-sonnet-5-5"), { by: "adaptive", rungs: rungsIn(`minimal ${adaptiveAll}`) }],
  [family("claude-(opus-5-5|fable-5)"), { by: "adaptive", rungs: rungsIn(adaptiveAll) }],
  [family("claude-(sonnet|opus)-4-6"), { by: "adaptive", rungs: rungsIn("off low medium high max") }],
  [family("claude-(3-7-|sonnet-4(-5|-0|-20|$)|opus-4(-5|-1|-0|-20|$)|haiku-4-5)"), claudeBudget],
  [family("claude-"), { by: "adaptive", rungs: rungsIn(`off ${adaptiveAll}`) }],
  // Other houses' models behind this protocol take the budget, which is its older half.
  [/./, claudeBudget],
];

const googleFamilies: readonly Row[] = [
  [family("gemini-2\\.5-pro"), { by: "budget", rungs: thinkingRungs.slice(1), budget: [128, 32_768], isDynamic: true }],
  [family("gemini-2\\.5-flash-lite"), { by: "budget", rungs: thinkingRungs, budget: [512, 24_576], isDynamic: true }],
  [family("gemini-2\\.5"), { by: "budget", rungs: thinkingRungs, budget: [1, 24_576], isDynamic: true }],
  [family("gemini-4-hydrogen"), efforts("low medium high xhigh")],
  [family("gemini-(\\d+(\\.\\d+)?-pro|flash-latest|pro-latest)"), efforts("low medium high")],
  [family("gemini-(3\\.[7-9]|[4-9](\\.\\d+)?)-flash($|-(?!lite))"), efforts("low medium high")],
  [family("gemini-"), efforts("minimal low medium high")],
  [/./, none],
];

const families: Readonly<Record<ModelApi, readonly Row[]>> = {
  "openai-completions": compatibleFamilies,
  // An unknown name is a deployment somebody named: the words that every reasoning model of OpenAI knows.
  "openai-responses": [...openAiFamilies, [/./, efforts("low medium high")]],
  "anthropic-messages": anthropicFamilies,
  "google-generative-ai": googleFamilies,
  "bedrock-converse-stream": [
    [family("claude-"), claudeBudget],
    [family("gpt-oss"), efforts("low medium high")],
    [family("nova-2"), efforts("off low medium high")],
    [/./, none],
  ],
  // It takes every word for every model and finds the nearest itself.
  openrouter: [[/./, { by: "effort", rungs: thinkingRungs }]],
  "github-copilot": [...openAiFamilies, [/./, none]],
  ollama: [
    // It takes levels and ignores a boolean; all others the other way round.
    [family("gpt-oss"), efforts("low medium high")],
    [/./, { by: "switch", rungs: thinkingRungs }],
  ],
  demo: [[/./, none]],
};

function abilityOf(api: ModelApi, modelId: string, { hasTools = false }: ThinkingRoom): Ability {
  const found = families[api].find(([pattern]) => pattern.test(modelId))?.[1] ?? none;
  // Bedrock's Claude thinks as Anthropic's does.
  const ability = api === "bedrock-converse-stream" && found === claudeBudget ? claudeOf(modelId) : found;
  if (api !== "openai-completions" || ability.by !== "effort") return ability;
  // Over this protocol the newest of the fives do not think where they have tools, and none has the top word.
  if (hasTools && family("gpt-5\\.([6-9]|\\d\\d)").test(modelId)) return efforts("off");
  return { ...ability, rungs: ability.rungs.filter((rung) => rung !== "max") };
}

function claudeOf(modelId: string): Ability {
  return anthropicFamilies.find(([pattern]) => pattern.test(modelId))?.[1] ?? claudeBudget;
}

/** The same, else the next below that still thinks, else the next above: who asked for thoughts gets some. */
function nearest(wanted: ThinkingRung, has: readonly ThinkingRung[]): ThinkingRung {
  if (has.includes(wanted)) return wanted;
  const at = thinkingRungs.indexOf(wanted);
  const below = has.findLast((rung) => rung !== "off" && thinkingRungs.indexOf(rung) < at);
  const above = has.find((rung) => thinkingRungs.indexOf(rung) > at);
  return below ?? above ?? "off";
}

type Planner = (effective: ThinkingPlan["effective"], wire: ThinkingWire) => ThinkingPlan;

function decidesItself({ by, isDynamic = false }: Ability): boolean {
  return by !== "budget" || isDynamic;
}

function adaptiveWire({ by }: Ability): ThinkingWire {
  if (by === "switch") return { kind: "switch", on: true };
  if (by === "adaptive") return { kind: "adaptive", effort: null };
  // Those that take a word decide by themselves for as long as they are told none.
  return by === "budget" ? { kind: "budget", tokens: null, answerTokens: null } : { kind: "nothing" };
}

function effortWire(rung: ThinkingRung): ThinkingWire {
  if (rung === "off") return { kind: "budget", tokens: 0, answerTokens: null };
  return rung === "minimal" ? { kind: "between-tools" } : { kind: "adaptive", effort: rung };
}

/** The answer keeps half of the room, or as much as an answer usually takes: thoughts must not eat it up. */
function budgeted(
  rung: ThinkingRung,
  { budget = [1, Number.MAX_SAFE_INTEGER], rungs: has }: Ability,
  { model, room, plan }: { model: Pick<ModelInfo, "maxTokens">; room: ThinkingRoom; plan: Planner },
): ThinkingPlan {
  const [least, most] = budget;
  const all = Math.min(room.maxOutputTokens ?? Number.POSITIVE_INFINITY, model.maxTokens ?? Number.POSITIVE_INFINITY);
  const kept = Math.min(unboundedAnswerTokens, Math.floor(all / 2));
  const affordable = Math.min(budgetTokens[rung], most, all - kept);
  const fits = affordable >= least;
  // What has no room to think in does not, but for what cannot do without: that takes the least there is.
  if (rung === "off" || (!fits && has.includes("off")))
    return plan("off", { kind: "budget", tokens: 0, answerTokens: null });
  const tokens = fits ? affordable : least;
  const left = room.maxOutputTokens === undefined ? kept : Math.max(1, all - tokens);
  return plan(rungOf(tokens), { kind: "budget", tokens, answerTokens: Number.isFinite(all) ? left : null });
}

/** The highest rung that the tokens reach. */
function rungOf(tokens: number): ThinkingRung {
  return thinkingRungs.findLast((rung) => rung !== "off" && budgetTokens[rung] <= tokens) ?? "minimal";
}
