/**
 * The one door. Whatever a person or a machine sends to the assistant enters here and nowhere else:
 * a chat message, a command, a reaction, `chat.send`, `/v1/chat/completions`, later hooks and schedules.
 */
import type { AppError } from "../domain/app-error.ts";
import type { Principal } from "../domain/authority.ts";
import type { InboundMessage, Priority } from "../domain/message.ts";

/** Who vouches for the message: a platform's sender (judged by policy), or a caller whose credential was checked. */
export type Origin =
  | { readonly via: "channel" }
  | { readonly via: "gateway"; readonly principal: Principal }
  /** A turn of the house, whose call policy has allowed; `runId` is that turn's. Its options say what rights it passes on. */
  | { readonly via: "turn"; readonly runId: string };

export interface AdmitRequest {
  readonly message: InboundMessage;
  readonly origin: Origin;
  /** Given by callers that know their session; a channel message's session follows from its address and the routing rules. */
  readonly sessionKey?: string;
  readonly agentId?: string;
  /** The id clients know the turn by; made up where none is given. */
  readonly runId?: string;
  readonly priority?: Priority;
  /** Options of this turn alone; see `agent/turn-options.ts`. */
  readonly options?: Readonly<Record<string, unknown>>;
  readonly ephemeral?: boolean;
}

/** Each refusal names its reason by one of these words. */
export type RefusalReason =
  | "sender-not-allowed"
  | "chat-not-allowed"
  | "direct-messages-disabled"
  | "groups-disabled"
  | "not-mentioned"
  | "pairing-required"
  | "rate-limited"
  | "too-large"
  | "empty"
  | "not-a-request"
  | "own-message"
  | "inbox-full"
  | "stopping";

export type Admission =
  /** Durable. The turn runs (or waits) under `runId`. */
  | {
      readonly outcome: "accepted";
      readonly messageId: string;
      readonly runId: string;
      readonly sessionKey: string;
      readonly agentId: string;
    }
  /** Known already; `runId` is the first one's. */
  | {
      readonly outcome: "duplicate";
      readonly messageId: string;
      readonly runId: string;
      readonly sessionKey: string;
      readonly agentId: string;
      readonly ended: boolean;
    }
  | { readonly outcome: "refused"; readonly reason: RefusalReason; readonly error: AppError };

/** Resolves after the verdict is durable. Throws AppError STORE_001/STORE_002 where it could not be made so. */
export type Admit = (request: AdmitRequest) => Promise<Admission>;
