/** What the emulator answers, in the words of no protocol. Every field is optional: an empty reply echoes the prompt. */

export type EmulatedProtocol =
  | "openai-completions"
  | "openai-responses"
  | "anthropic-messages"
  | "google-generative-ai"
  | "bedrock-converse-stream"
  | "ollama";

export interface Reply {
  /** The answer; an array is sent delta by delta, a string is cut into words. */
  readonly text?: string | readonly string[];
  /** Said before the answer. `signature` is sent where the protocol signs thoughts (or, for Gemini, tool calls). */
  readonly thinking?: { readonly text: string; readonly signature?: string; readonly redacted?: string };
  readonly toolCalls?: readonly { readonly name: string; readonly input: unknown; readonly id?: string }[];
  /** Null sends none, as many servers do. */
  readonly usage?: EmulatedUsage | null;
  /** The protocol's own word for why it ended; null sends none at all. */
  readonly finish?: string | null;
  /** Before the first byte of the answer, head included. */
  readonly delayMs?: number;
  /** Before every delta. */
  readonly deltaDelayMs?: number;
  /** Refuses the request with this status. */
  readonly status?: number;
  readonly error?: { readonly message?: string; readonly code?: string; readonly type?: string };
  readonly retryAfterS?: number;
  /** Refuses with exactly this, as somebody wrote it down from a real service; wins over all of the above. */
  readonly recorded?: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: unknown;
  };
  readonly fault?: Fault;
  /** Where a dialect names no ids of tool calls. */
  readonly noCallIds?: boolean;
}

export interface EmulatedUsage {
  readonly input: number;
  readonly output: number;
  readonly cacheRead?: number;
}

export interface Fault {
  /**
   * `cut`: the connection breaks. `end`: the body ends early but cleanly. `garbage`: bytes that are no frame.
   * `error`: an error frame inside the 200. `hang`: nothing more comes, the connection stays.
   * `hang-up`: the connection is closed before any answer. `silence`: it stays open, without even a head.
   */
  readonly kind: "cut" | "end" | "garbage" | "error" | "hang" | "hang-up" | "silence";
  /** After how many deltas; 0 is right behind the opening frames. */
  readonly afterDeltas?: number;
}

/** One answer to every request; a list in order, whose last repeats; or a rule. */
export type Script = Reply | readonly Reply[] | ((request: SeenRequest) => Reply | Promise<Reply>);

export interface SeenRequest {
  readonly protocol: EmulatedProtocol;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Readonly<Record<string, unknown>>;
  readonly model: string;
  /** Text of the newest user message; the newest tool result where that came later. */
  readonly lastText: string;
  readonly lastRole: "user" | "tool";
  readonly promptChars: number;
  /** True once the connection has closed before the end of the answer, by whomever. */
  readonly abandoned: boolean;
  readonly atMs: number;
  /** When the last byte of the answer was handed over; null while or where there is none. */
  readonly endMs: number | null;
  /** `whole`: every byte of a good answer was handed over. `broken`: refused, cut by a fault, or nobody stayed to read it. */
  readonly outcome: "pending" | "whole" | "broken";
  /** What was charged for it; null where nothing was said. */
  readonly charged: EmulatedUsage | null;
}

/** A reply with every default filled in. */
export interface Plan {
  readonly model: string;
  readonly id: string;
  readonly deltas: readonly string[];
  readonly thinking: NonNullable<Reply["thinking"]> | null;
  readonly calls: readonly { readonly name: string; readonly input: unknown; readonly id: string | null }[];
  readonly usage: EmulatedUsage | null;
  /** Undefined: the protocol's usual word. */
  readonly finish: string | null | undefined;
  readonly createdS: number;
}

export function planOf(reply: Reply, request: SeenRequest, number: number, nowMs: number): Plan {
  const silent = reply.toolCalls !== undefined || reply.thinking !== undefined;
  const text = reply.text ?? (silent ? "" : echo(request));
  const deltas = typeof text === "string" ? words(text) : text;
  const outputChars = deltas.join("").length + JSON.stringify(reply.toolCalls ?? "").length;
  const counted = {
    input: Math.max(1, Math.ceil(request.promptChars / 4)),
    output: Math.max(1, Math.ceil(outputChars / 4)),
  };
  return {
    model: request.model,
    id: `emulated-${number}`,
    deltas,
    thinking: reply.thinking ?? null,
    calls: (reply.toolCalls ?? []).map(({ name, input, id }, index) => ({
      name,
      input,
      id: reply.noCallIds === true ? null : (id ?? `call_${number}_${index}`),
    })),
    usage: reply.usage === undefined ? counted : reply.usage,
    finish: reply.finish,
    createdS: Math.floor(nowMs / 1000),
  };
}

function echo(request: SeenRequest): string {
  return request.lastRole === "tool" ? `The tool said: ${request.lastText}` : `You said: ${request.lastText}`;
}

/** Each piece keeps the blank behind it, so that joined pieces are the text. */
function words(text: string): readonly string[] {
  return text.match(/\S+\s*|^\s+/g) ?? [];
}
