/**
 * One chat: who is in it, its topics and its messages in order. Owns the ids of messages of groups and channels; in
 * direct chats they come from the bot, as the real platform numbers a bot's direct messages over all its chats.
 */
import type { Actor } from "./actor.ts";
import type { Draft, Message } from "./message.ts";

export type ChatKind = "private" | "group" | "supergroup" | "channel";

export interface ChatIdentity {
  readonly id: number;
  readonly kind: ChatKind;
  readonly title: string;
  readonly isForum: boolean;
  /** The two of a direct chat. */
  readonly pair: { readonly bot: Actor; readonly person: Actor } | null;
}

export class Chat {
  readonly id: number;
  readonly kind: ChatKind;
  readonly isForum: boolean;
  readonly members = new Map<number, Actor>();
  /** Who left or was removed: such a bot is told so, one that was never in is told of no chat. */
  readonly formerMembers = new Set<number>();
  /** Names by thread id. */
  readonly topics = new Map<number, string>();
  /** The bot that wrote last hears a command that names no bot, also in privacy mode. */
  lastBotId: number | null = null;
  /** A group that became a supergroup names it here and is closed. */
  migratedTo: Chat | null = null;
  readonly #identity: ChatIdentity;
  readonly #messages = new Map<number, Message>();
  readonly #nextId: () => number;

  constructor(identity: ChatIdentity, nextId: () => number) {
    this.#identity = identity;
    this.id = identity.id;
    this.kind = identity.kind;
    this.isForum = identity.isForum;
    this.#nextId = nextId;
  }

  get title(): string {
    return this.#identity.title;
  }

  /** In a direct chat: who is not the bot. */
  get person(): Actor | null {
    return this.#identity.pair?.person ?? null;
  }

  message(id: number): Message | undefined {
    return this.#messages.get(id);
  }

  /** Oldest first. */
  messages(): IterableIterator<Message> {
    return this.#messages.values();
  }

  append(draft: Draft, atMs: number): Message {
    const id = this.#nextId();
    // The message that opens a topic gives it its number.
    if (draft.opensTopic !== undefined) this.topics.set(id, draft.opensTopic);
    const message: Message = {
      id,
      from: draft.from,
      atMs,
      text: draft.text ?? "",
      entities: draft.entities ?? [],
      media: draft.media ?? null,
      fields: draft.fields ?? null,
      replyTo: draft.replyTo ?? null,
      threadId: draft.opensTopic === undefined ? (draft.threadId ?? null) : id,
      replyMarkup: draft.replyMarkup ?? null,
      editedMs: null,
      edits: 0,
      reactions: null,
    };
    this.#messages.set(id, message);
    if (draft.from.isBot) this.lastBotId = draft.from.id;
    return message;
  }

  remove(id: number): boolean {
    return this.#messages.delete(id);
  }

  /** Drops what was said; ids go on from where they were. Topics keep the message that opened them. */
  forget(): void {
    for (const id of this.#messages.keys()) if (!this.topics.has(id)) this.#messages.delete(id);
  }

  /** A `Chat` object. */
  object(): Readonly<Record<string, unknown>> {
    const { person } = this;
    if (person !== null) {
      const username = person.username === null ? {} : { username: person.username };
      return { id: this.id, first_name: person.firstName, ...username, type: "private" };
    }
    return {
      id: this.id,
      title: this.title,
      ...(this.isForum ? { is_forum: true } : {}),
      type: this.kind,
      ...(this.kind === "group" ? { all_members_are_administrators: true } : {}),
    };
  }
}

const serviceFields = [
  "new_chat_members",
  "left_chat_member",
  "forum_topic_created",
  "migrate_to_chat_id",
  "migrate_from_chat_id",
];

/** What the platform says itself; nobody sees it as somebody's message. */
export function isService(message: Message): boolean {
  const { fields } = message;
  return fields !== null && serviceFields.some((name) => name in fields);
}
