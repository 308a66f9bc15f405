/** What every method of the Bot API is here: a name, and a function from a call to what became of it. */
import type { RateLimits } from "../rate-limits.ts";
import type { Refusal } from "../refusal.ts";
import type { Params } from "../request/params.ts";
import type { Webhook } from "../updates/webhook.ts";
import type { Bot, World } from "../world/world.ts";

export interface Call {
  readonly world: World;
  readonly bot: Bot;
  readonly params: Params;
  readonly limits: RateLimits;
  /** Of this bot. */
  readonly webhook: Webhook;
  /** Aborted when the connection has closed. */
  readonly signal: AbortSignal;
}

export interface Done {
  readonly result: unknown;
  /** The message that was made, edited or deleted. */
  readonly messageId?: number;
  /** Said beside `true` by some methods. */
  readonly description?: string;
}

/**
 * Decides at once and has its effect before it returns, so that the order of calls is the order of decisions. Only
 * `getUpdates` may answer later.
 */
export type Method = (call: Call) => Done | Refusal | Promise<Done | Refusal>;
