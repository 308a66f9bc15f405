/**
 * What a caller may ask of one turn. Stored with the message as JSON, so that a restart runs the same turn.
 * Every field is optional; what is absent comes from the session, then the agent, then the configuration.
 */
import type { BornRights, TurnOrigin } from "../domain/turn-origin.ts";
import type { ModelMessage, ResponseFormat, ToolChoice, ToolSpec } from "../domain/conversation.ts";

export interface TurnOptions {
  /** A model reference or alias; the caller must be allowed to choose. */
  readonly model?: string;
  readonly thinking?: string;
  /** Instructions of the caller, put behind the agent's own system prompt. */
  readonly instructions?: string;
  /**
   * The conversation before this message, as the caller tells it. Given, it stands in for the session's own
   * history (stateless calls); untrusted, never written to a transcript.
   */
  readonly history?: readonly ModelMessage[];
  /**
   * Tool results and user content that belong to this very request and come after `history`, where the plain text
   * of the message does not say it all (images, files, results of the caller's tools).
   */
  readonly input?: readonly ModelMessage[];
  /** The caller's own tools: a call to one ends the turn with stop reason `tool-calls`. */
  readonly tools?: readonly ToolSpec[];
  readonly toolChoice?: ToolChoice;
  readonly temperature?: number;
  readonly topP?: number;
  readonly maxOutputTokens?: number;
  readonly stop?: readonly string[];
  readonly seed?: number;
  readonly responseFormat?: ResponseFormat;
  /** Why the turn runs; `chat` where absent. Set by whoever lets it in, never taken from a caller's words. */
  readonly origin?: TurnOrigin;
  /** The rights of a turn that another one started; absent where a person did. */
  readonly born?: BornRights;
  readonly timeoutMs?: number;
  /** Of a `/compact` that came in by a method: what its words cannot say. */
  readonly compact?: { readonly instructions?: string; readonly maxLines?: number };
  /** False: the answer stays in the transcript and with the caller, nothing is put into the outbox. */
  readonly deliver?: boolean;
}
