/** One request on its way from what there is to what is sent: its sections, what they cost, and what is left of them. */
import type { Config } from "../../config/schema/root.ts";
import type { ModelMessage } from "../../domain/conversation.ts";
import type { HistoryView } from "./compaction-entry.ts";
import { summaryMessages } from "./compact.ts";
import type { AssembledContext, CallFacts, CompactionOutcome, ContextReport } from "./contract.ts";
import { fitWindow, type Fitted, type Sections } from "./fit-window.ts";
import { prune } from "./prune.ts";
import { textTokens, type TokenCounter } from "./token-estimate.ts";
import type { TokenScale } from "./token-scale.ts";
import { validConversation, type ValidConversation } from "./valid-conversation.ts";
import { answerCap, contextWindow, type ContextWindow } from "./window.ts";

export interface DraftDeps {
  readonly counter: TokenCounter;
  readonly scale: TokenScale;
  readonly defaults: Config["agents"]["defaults"];
  readonly nowMs: number;
}

/** What a request would be if nothing were left out of it. */
export interface Draft {
  readonly call: CallFacts;
  readonly window: ContextWindow;
  readonly sections: Sections;
  readonly prunedResults: number;
  /** Estimates, before the model's own way of counting. */
  readonly fixed: { readonly system: number; readonly tools: number };
  /** The whole request by the model's own way of counting. */
  readonly tokens: number;
}

export function draftRequest(
  call: CallFacts,
  { view, input }: { view: HistoryView; input: readonly ModelMessage[] },
  deps: DraftDeps,
): Draft {
  const { model, system, tools, maxOutputTokens, steps } = call;
  const { counter, scale, defaults, nowMs } = deps;
  const window = contextWindow({ model, defaults, learntTokens: scale.window(model), maxOutputTokens });
  const lines = counter.conversation(view.lines.map(({ message }) => message));
  const filled = scale.scaled(model, lines) / window.tokens;
  const pruned = prune(view.lines, { settings: defaults.contextPruning, filled, nowMs });
  const sections = { summary: summaryMessages(view.summary), history: pruned.messages, input, steps };
  const fixed = { system: textTokens(system), tools: counter.tools(tools) };
  const estimated = fixed.system + fixed.tools + counter.conversation(inOrder(sections));
  return { call, window, sections, prunedResults: pruned.results, fixed, tokens: scale.scaled(model, estimated) };
}

export interface FittedRequest {
  readonly fitted: Fitted;
  readonly valid: ValidConversation;
  /** The whole request, estimated, and by the model's own way of counting. */
  readonly estimated: number;
  readonly tokens: number;
}

/** Null where system prompt and tools leave no room. `roomTokens` by the model's own way of counting. */
export function fitRequest(draft: Draft, roomTokens: number, { counter, scale }: DraftDeps): FittedRequest | null {
  const { call, fixed, sections } = draft;
  const { model } = call;
  const perThousand = scale.scaled(model, 1_000);
  const tokens = Math.floor((roomTokens * 1_000) / perThousand) - fixed.system - fixed.tools - frameTokens;
  const fitted = fitWindow(sections, { tokens, model, counter });
  if (fitted === null) return null;
  const valid = validConversation(inOrder(fitted), model);
  const estimated = fixed.system + fixed.tools + counter.conversation(valid.messages);
  return { fitted, valid, estimated, tokens: scale.scaled(model, estimated) };
}

/** What making a conversation valid may add: a few words in front, a few behind, a word where a result was empty. */
const frameTokens = 80;

function inOrder({ summary, history, input, steps }: Sections): readonly ModelMessage[] {
  return [...summary, ...history, ...input, ...steps];
}

export interface ReportFacts {
  readonly compactions: readonly CompactionOutcome[];
  readonly summedUp: number;
  readonly quarantined: number;
}

export function assembledContext(
  draft: Draft,
  request: FittedRequest,
  deps: DraftDeps,
  facts: ReportFacts,
): AssembledContext {
  const { window, call } = draft;
  const { valid, tokens } = request;
  const cap = answerCap(window, tokens, { model: call.model, maxOutputTokens: call.maxOutputTokens });
  return {
    messages: valid.messages,
    maxOutputTokens: cap,
    // For the worst case: what a model counted less for the last prompts it may count in full for this one.
    inputTokens: Math.max(tokens, request.estimated),
    outputTokens: cap ?? call.model.maxTokens ?? window.outputTokens,
    report: reportOf(draft, request, deps, facts),
  };
}

function reportOf(
  { call, window, fixed, prunedResults }: Draft,
  { fitted, valid, tokens }: FittedRequest,
  { counter, scale }: DraftDeps,
  { compactions, summedUp, quarantined }: ReportFacts,
): ContextReport {
  const scaled = (estimated: number): number => scale.scaled(call.model, estimated);
  const section = (name: "summary" | "history" | "input" | "steps") => ({
    name,
    count: fitted[name].length,
    tokens: scaled(counter.conversation(fitted[name])),
  });
  return {
    model: call.model.ref,
    windowTokens: window.tokens,
    windowFrom: window.from,
    inputBudgetTokens: window.inputTokens,
    inputTokens: tokens,
    sections: [
      { name: "system", count: call.system === "" ? 0 : 1, tokens: scaled(fixed.system) },
      { name: "tools", count: call.tools.length, tokens: scaled(fixed.tools) },
      section("summary"),
      { ...section("history"), prunedResults },
      section("input"),
      section("steps"),
    ],
    leftOut: { summedUp, cut: fitted.cut, quarantined },
    repairs:
      fitted.notedFiles === 0
        ? valid.repairs
        : { ...valid.repairs, "noted-file": (valid.repairs["noted-file"] ?? 0) + fitted.notedFiles },
    compactions,
  };
}
