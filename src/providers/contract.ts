/**
 * What a model provider is: one wire protocol, spoken by `stream`. The run loop owns retries, failover, budgets and
 * prices; a provider only translates. Every provider passes `conformance.ts`.
 */
import type { AppErrorJson } from "../domain/app-error.ts";
import type { AwsCredential } from "../domain/aws-credential.ts";
import type { ModelInfo, ModelMessage, ResponseFormat, ToolChoice, ToolSpec } from "../domain/conversation.ts";
import type { TokenUsage } from "../domain/money.ts";
import type { QuotaWindow } from "../domain/quota.ts";
import type { Clock } from "../platform/clock.ts";
import type { Ids } from "../platform/ids.ts";

export const modelApis = [
  "openai-completions",
  "openai-responses",
  "anthropic-messages",
  "google-generative-ai",
  "bedrock-converse-stream",
  "ollama",
  /** OpenAI's protocol with a list of models, prices and costs of its own. */
  "openrouter",
  /** OpenAI's protocol behind a token that is exchanged for a GitHub login. */
  "github-copilot",
  /** Built in: answers by rule, costs nothing, says what it is. */
  "demo",
] as const;
export type ModelApi = (typeof modelApis)[number];

/** Where and how a provider is reached; from configuration or detected at start. */
export interface ProviderEndpoint {
  /** The configuration's name for it, e.g. `openai`, `mock`. */
  readonly id: string;
  readonly api: ModelApi;
  readonly baseUrl: string | null;
  readonly apiKey: string | null;
  readonly headers: Readonly<Record<string, string>>;
  /** For protocols that sign their requests. */
  readonly aws?: AwsCredential;
  /** The login that the key is of; absent where the endpoint needs none. */
  readonly profileId?: string;
}

export interface ModelRequest {
  readonly model: ModelInfo;
  readonly system: string;
  readonly messages: readonly ModelMessage[];
  readonly tools: readonly ToolSpec[];
  readonly toolChoice?: ToolChoice;
  readonly maxOutputTokens?: number;
  readonly temperature?: number;
  readonly topP?: number;
  readonly stop?: readonly string[];
  readonly seed?: number;
  /** Level name; each provider maps it, and clamps what it cannot do. */
  readonly thinking?: string;
  /** A JSON Schema the answer must match, where the caller asked for one. */
  readonly responseFormat?: ResponseFormat;
  /**
   * The same for all calls of one conversation, e.g. the session's key: a provider that sorts its prompt cache by names
   * gets a digest of it. Absent where no call follows.
   */
  readonly cacheKey?: string;
}

/**
 * What a call yields, in order. Exactly one `end` or `failure` comes last, and nothing after it.
 * A stream never throws; after `signal` aborts it ends within 200 ms with `failure` RUN_001.
 */
export type ModelEvent =
  | { readonly type: "text"; readonly text: string }
  /**
   * Deltas of one block up to the one that has a signature, which closes it. A block may have a signature and no text:
   * thoughts that the provider keeps sealed, or the seal of the tool call that follows. It goes back where it stood.
   */
  | { readonly type: "thinking"; readonly text: string; readonly signature?: string }
  | { readonly type: "tool-call"; readonly callId: string; readonly tool: string; readonly input: unknown }
  | {
      readonly type: "end";
      readonly reason: "stop" | "length" | "tool-calls" | "content-filter";
      /**
       * Whole counts, each token in one of the four kinds: what came from or went into a cache is not in `input`. Null
       * where the provider sent none: the caller estimates and says so.
       */
      readonly usage: TokenUsage | null;
      /** What the provider itself says it charges, micro-dollars; absent where it does not say. Wins over any table. */
      readonly costMicros?: number;
    }
  /** What is left of the account's allowance, as the answer's headers tell it. At most once, before anything else. */
  | { readonly type: "quota"; readonly windows: readonly QuotaWindow[] }
  | { readonly type: "failure"; readonly error: AppErrorJson };

export interface ModelProvider {
  readonly endpoint: ProviderEndpoint;
  stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelEvent>;
  /** What the endpoint itself lists, where it can (Ollama, OpenRouter). */
  listModels?(signal: AbortSignal): Promise<readonly ModelInfo[]>;
}

/** One per wire protocol. `open` costs nothing; the SDK behind it is loaded by the first `stream`. */
export interface ProviderModule {
  readonly api: ModelApi;
  open(endpoint: ProviderEndpoint, deps: ProviderDeps): ModelProvider;
}

export interface ProviderDeps {
  /** The gateway's guarded HTTP. Providers use it as `fetch`; the base address came from an administrator. */
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  /** Ids of tool calls, where a protocol has none. */
  readonly ids: Ids;
  /** Longest silence of the endpoint before a call is given up with MODEL_006; `limits.modelIdleMs` where absent. */
  readonly idleTimeoutMs?: number;
}
