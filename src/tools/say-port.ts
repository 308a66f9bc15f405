/** What the tool `message` needs of the house: which chats there are, and the one outbox. */
import type { Address } from "../domain/message.ts";
import type { PartAction } from "../store/port.ts";

/** As a model names a chat. Whatever is left out is the turn's own. */
export interface NamedChat {
  readonly channel?: string;
  readonly accountId?: string;
  readonly chatId: string;
  readonly threadId?: string;
}

export interface Saying {
  /** Made of the asking run and call: the same is said once. */
  readonly id: string;
  readonly address: Address;
  readonly action: PartAction;
  readonly markdown: string;
  /** The platform's id of the message it answers. */
  readonly replyToId: string | null;
  /** The session whose turn says it. */
  readonly sessionKey: string;
  /** The chat that the turn answers anyway: its own transcript tells. */
  readonly own: boolean;
}

export interface SayPort {
  /** The chat, where one of our accounts has heard of it and may speak there; null where not. */
  chat(named: NamedChat, own: Address): Promise<Address | null>;
  /** Whether that message of the platform stands in that chat: ours, or for a reaction anybody's. */
  stands(address: Address, messageId: string, whose: "ours" | "anybody's"): Promise<boolean>;
  /** Resolves when it is durable; a known id writes nothing. */
  put(saying: Saying): Promise<void>;
}
