/**
 * What a model call is given of a conversation: always valid for its provider, always within the model's window, as
 * cheap as it can be. The transcript itself is never changed by it: what was summed up stays there and can be searched.
 */
import type { AppErrorJson } from "../../domain/app-error.ts";
import type { ModelInfo, ModelMessage, ToolSpec } from "../../domain/conversation.ts";
import type { TokenUsage } from "../../domain/money.ts";
import type { SessionRow, TranscriptEntry } from "../../store/port.ts";

/** One for the process. Holds what was learnt of the models' counting; of the sessions it holds nothing. */
export interface ContextKeeper {
  /** Once per turn. Costs nothing until it is asked. */
  open(turn: TurnFacts): TurnContext;
}

/** What a turn knows of its conversation before its first call. */
export interface TurnFacts {
  readonly runId: string;
  readonly sessionKey: string;
  readonly agentId: string;
  /** Null for a stateless call: nothing is summed up and nothing is written. */
  readonly session: SessionRow | null;
  /** Oldest first, before this message. What a caller told in place of a transcript is never summed up. */
  readonly history:
    | { readonly kind: "transcript"; readonly entries: readonly TranscriptEntry[] }
    | { readonly kind: "told"; readonly messages: readonly ModelMessage[] };
  /** This message. Kept in any case, if need be with its middle cut out. */
  readonly input: readonly ModelMessage[];
  /** The transcript id of this message: where everything before it is summed up, it is the first that is kept. */
  readonly inputId: string;
  readonly isGroup: boolean;
  /** Aborts a compaction under way; nothing of it is kept then. */
  readonly signal: AbortSignal;
  /** Calls the session's model; the run loop wires it to its own way of calling, so that budget and failover apply. */
  readonly summarise: Summarise;
  /** Tells a person how the answer comes about (`run.notice`, kind `compaction`). */
  readonly tell: (text: string) => void;
}

/**
 * The context of one turn. Not for two calls at the same time.
 * For each model call: `assemble`, call, then `answered`, or on a failure `compactNow` (`context_overflow`) or
 * `refused` (`bad_request`) and `assemble` again.
 */
export interface TurnContext {
  /**
   * What this call is to be given. Compacts first where the prompt is over `compaction.triggerRatio`, once per turn;
   * what is still too large then is cut, deterministically. Call it anew for every step and every other model: it is
   * cheap, and windows differ. Throws MODEL_007 where system prompt and tools alone leave no room for a message, and the signal's reason
   * where it aborts meanwhile; nothing else.
   */
  assemble(call: CallFacts): Promise<AssembledContext>;
  /**
   * For `overflow` once per turn: the next `assemble` is smaller than the one that failed, whatever the window is said
   * to be; `compacted: false` means that nothing was gained and the turn gives up. For `manual`, when a person asks for it: a
   * failing model then changes nothing. Never throws, but for the store.
   */
  compactNow(reason: CompactionReason, call: CallFacts, options?: CompactionOptions): Promise<CompactionOutcome>;
  /** A call was answered: its usage corrects the estimate, and the session has no refusals to remember any more. Never throws. */
  answered(model: ModelInfo, usage: TokenUsage, options: { estimated: boolean }): Promise<void>;
  /**
   * A call failed as `bad_request`. True where the same has now happened to this session twice: from here on its history
   * is left out, and the turn may `assemble` and call once more. Remembered with the session. Never throws.
   */
  refused(error: AppErrorJson): Promise<boolean>;
  /** Tokens that a request has at least, whatever is left out of the history; for the choice of a model. */
  leastTokens(call: Pick<CallFacts, "system" | "tools">): number;
}

export interface CallFacts {
  readonly model: ModelInfo;
  readonly system: string;
  readonly tools: readonly ToolSpec[];
  /** What this turn has said and done already: the model's content and the results of its tools, in order. */
  readonly steps: readonly ModelMessage[];
  /** What the caller wants the answer to have at most. */
  readonly maxOutputTokens?: number | undefined;
}

export interface AssembledContext {
  readonly messages: readonly ModelMessage[];
  /**
   * What to ask for as the longest answer: the caller's wish or the model's most, less where the window leaves less.
   * Undefined where nobody has to say anything.
   */
  readonly maxOutputTokens: number | undefined;
  /** Estimate of the whole request, system prompt and tools included; errs high, whatever was learnt of cheaper prompts. */
  readonly inputTokens: number;
  /** What the answer may have beside it, for a budget's worst case. */
  readonly outputTokens: number;
  readonly report: ContextReport;
}

/** What was included and why, for people. Tokens are estimates. */
export interface ContextReport {
  readonly model: string;
  readonly windowTokens: number;
  /** Where the window's size is from. */
  readonly windowFrom: "model" | "configuration" | "learnt" | "assumed";
  /** Tokens that may be asked for; the rest of the window is the answer's. */
  readonly inputBudgetTokens: number;
  readonly inputTokens: number;
  /** In the order of the request. */
  readonly sections: readonly ContextSection[];
  /** Messages of the history that the request does not have: summed up, cut off, or left out after refusals. */
  readonly leftOut: { readonly summedUp: number; readonly cut: number; readonly quarantined: number };
  /** What had to be mended to make the conversation valid, by kind; empty where nothing was. */
  readonly repairs: Readonly<Partial<Record<RepairKind, number>>>;
  /** What this turn has compacted so far. */
  readonly compactions: readonly CompactionOutcome[];
}

export interface ContextSection {
  readonly name: "system" | "tools" | "summary" | "history" | "input" | "steps";
  /** Messages; sections of the prompt or tools for the first two. */
  readonly count: number;
  readonly tokens: number;
  /** Old tool results that are shown shortened or as a note alone. */
  readonly prunedResults?: number;
}

export const repairKinds = [
  /** A call without a result was left out, or a result without a call. */
  "unpaired-call",
  "unpaired-result",
  "renamed-call",
  "empty-message",
  /** Neighbours of the same role became one message. */
  "merged",
  /** Thoughts that no provider would take back. */
  "dropped-thought",
  /** The conversation began with the assistant, or ended with it. */
  "framed",
  /** A file whose bytes are gone or do not fit. */
  "noted-file",
] as const;
export type RepairKind = (typeof repairKinds)[number];

export type CompactionReason = "threshold" | "overflow" | "manual";

export interface CompactionOptions {
  /** What a person wants the summary to look at. Data for the model, never the system's word. */
  readonly instructions?: string | undefined;
  /** Keeps the newest so many entries and leaves out the rest without a summary; asks no model. */
  readonly maxEntries?: number | undefined;
  /** What the provider said about an overflow: it may name its window. */
  readonly error?: AppErrorJson | undefined;
}

export type CompactionOutcome =
  /** `tokensAfter` is smaller than `tokensBefore`: that is what the word means here. */
  | {
      readonly compacted: true;
      readonly method: "summary" | "truncation";
      readonly tokensBefore: number;
      readonly tokensAfter: number;
      /** Why there is no summary, where one was wanted. */
      readonly error?: AppErrorJson;
    }
  | {
      readonly compacted: false;
      /** `spent`: this turn has had its compaction for that reason. */
      readonly why: "nothing-to-compact" | "off" | "spent" | "aborted" | "no-reduction" | "model-failed";
      readonly error?: AppErrorJson;
    };

/** A call beside the conversation: no tools, a short answer, the ledger's origin is the turn's. */
export interface SummaryRequest {
  readonly purpose: "summary" | "notes";
  readonly model: ModelInfo;
  readonly system: string;
  readonly messages: readonly ModelMessage[];
  readonly maxOutputTokens: number;
}

/** Resolves in any case: what fails is an answer. Does not stream to anybody. */
export type Summarise = (
  request: SummaryRequest,
  signal: AbortSignal,
) => Promise<{ readonly ok: true; readonly text: string } | { readonly ok: false; readonly error: AppErrorJson }>;

/** Where lasting facts go: plain Markdown that a person can read, edit and keep in git. */
export interface MemoryNotes {
  /**
   * Appends to the agent's notes of that day; resolves when it is durable. Notes of a group are marked as its own.
   * `full`: the day's file has no room. Throws STORE_001, STORE_002, SEC_007 where the place cannot be written.
   */
  append(note: MemoryNote): Promise<"written" | "full">;
}

export interface MemoryNote {
  readonly agentId: string;
  readonly sessionKey: string;
  readonly isGroup: boolean;
  readonly markdown: string;
  readonly atMs: number;
  /** Sources of foreign words in what it was made from. */
  readonly foreign: readonly string[];
}
