/**
 * What a model call is given of a conversation: always valid for its provider, always within the model's window, as
 * cheap as it can be. The transcript itself is never changed by it.
 */
import type { AppErrorJson } from "../../domain/app-error.ts";
import type { ModelInfo, ModelMessage, ToolSpec } from "../../domain/conversation.ts";
import type { TranscriptEntry } from "../../store/port.ts";

export interface ContextBudget {
  /** Tokens that system prompt, messages and tools may have together; the answer has its room beside it. */
  readonly inputTokens: number;
  /** What the answer may have. */
  readonly outputTokens: number;
}

export interface ContextRequest {
  readonly model: ModelInfo;
  readonly system: string;
  readonly tools: readonly ToolSpec[];
  /** Oldest first, before this message; a `compaction` entry stands for everything before what it keeps. */
  readonly history: readonly TranscriptEntry[] | readonly ModelMessage[];
  /** This message. Kept in any case. */
  readonly input: readonly ModelMessage[];
  readonly nowMs: number;
}

export type CompactionOutcome =
  /** `tokensAfter` is smaller than `tokensBefore`: that is what the word means here. */
  | {
      readonly compacted: true;
      readonly method: "summary" | "truncation";
      readonly tokensBefore: number;
      readonly tokensAfter: number;
    }
  | {
      readonly compacted: false;
      readonly why: "nothing-to-compact" | "off" | "aborted" | "no-reduction" | "model-failed";
      readonly error?: AppErrorJson;
    };
