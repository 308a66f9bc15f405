/**
 * Everybody and everything there is: bots, people, chats, files. Finds chats as a bot names them, appends, edits and
 * deletes messages, and tells each bot in a chat what it may hear. Knows no HTTP and no method; judges no parameter.
 */
import { createHash } from "node:crypto";
import { botApiLimits } from "../bot-api-limits.ts";
import { detectEntities } from "../text/detect.ts";
import { UpdateQueue, type UpdateType } from "../updates/update-queue.ts";
import type { Clock } from "../../../platform/clock.ts";
import type { Actor } from "./actor.ts";
import { userObject } from "./actor.ts";
import { Chat, type ChatIdentity, type ChatKind } from "./chat.ts";
import { FileShelf } from "./files.ts";
import { mayHear } from "./hearing.ts";
import { messageObject, type Draft, type Message } from "./message.ts";

/** Ids of people and bots need more than 32 bits, as real ones do. */
const firstPersonId = 5_000_000_001;
const firstBotId = 7_000_000_001;
const firstGroupId = 4_000_000_001;
const firstSupergroupId = 2_000_000_001;
/** The Bot API shows a supergroup or channel as this minus its number. */
const supergroupBase = -1_000_000_000_000;

export interface Bot extends Actor {
  readonly token: string;
  readonly canReadAllGroupMessages: boolean;
  readonly queue: UpdateQueue;
  /** Message ids of its direct chats. */
  lastDirectId: number;
  /** People who do not want to hear of it. */
  readonly blockedBy: Set<number>;
  /** Direct chats by the person's id. */
  readonly directs: Map<number, Chat>;
  /** By scope and language, as JSON. */
  readonly commands: Map<string, readonly unknown[]>;
}

export interface Callback {
  readonly id: string;
  readonly bot: Bot;
  readonly atMs: number;
}

export class World {
  readonly bots = new Map<number, Bot>();
  readonly people = new Map<number, Actor>();
  readonly groups = new Map<number, Chat>();
  readonly files = new FileShelf();
  /** Button presses that wait for their answer. */
  readonly callbacks = new Map<string, Callback>();
  readonly clock: Clock;
  readonly nowMs: () => number;
  #callbackCount = 0;
  #albumCount = 0;

  constructor(clock: Clock, nowMs: () => number) {
    this.clock = clock;
    this.nowMs = nowMs;
  }

  addBot(username: string, canReadAllGroupMessages: boolean): Bot {
    const id = firstBotId + this.bots.size;
    const bot: Bot = {
      id,
      isBot: true,
      firstName: username,
      username,
      token: tokenOf(id),
      canReadAllGroupMessages,
      queue: new UpdateQueue(this.clock, this.nowMs),
      lastDirectId: 0,
      blockedBy: new Set(),
      directs: new Map(),
      commands: new Map(),
    };
    this.bots.set(id, bot);
    return bot;
  }

  addPerson(firstName: string, username: string | null): Actor {
    const person = { id: firstPersonId + this.people.size, isBot: false, firstName, username };
    this.people.set(person.id, person);
    return person;
  }

  addGroup(title: string, kind: Exclude<ChatKind, "private">, isForum = false): Chat {
    const count = this.groups.size;
    const id = kind === "group" ? -(firstGroupId + count) : supergroupBase - (firstSupergroupId + count);
    let lastId = 0;
    const group = new Chat({ id, kind, title, isForum, pair: null }, () => (lastId += 1));
    this.groups.set(id, group);
    return group;
  }

  /** The direct chat of the two, made where they never spoke. */
  direct(bot: Bot, person: Actor): Chat {
    const known = bot.directs.get(person.id);
    if (known !== undefined) return known;
    const identity: ChatIdentity = { id: person.id, kind: "private", title: "", isForum: false, pair: { bot, person } };
    const chat = new Chat(identity, () => (bot.lastDirectId += 1));
    chat.members.set(bot.id, bot);
    chat.members.set(person.id, person);
    bot.directs.set(person.id, chat);
    return chat;
  }

  botByToken(token: string): Bot | undefined {
    const bot = this.bots.get(Number(token.split(":", 1)[0]));
    return bot?.token === token ? bot : undefined;
  }

  /** Appends what a person, or the platform itself, says, and tells the bots. */
  hear(chat: Chat, draft: Draft): Message {
    const entities = draft.entities ?? (draft.text === undefined ? [] : detectEntities(draft.text));
    const message = chat.append({ ...draft, entities }, this.nowMs());
    this.tell(chat, chat.kind === "channel" ? "channel_post" : "message", message);
    return message;
  }

  /** Tells the bots of the chat about a message, each in its own view. */
  tell(chat: Chat, type: UpdateType, message: Message): void {
    for (const bot of this.botsOf(chat)) {
      if (bot.id === message.from.id || !mayHear(bot, chat, message)) continue;
      bot.queue.push(type, chat.id, { [type]: messageObject(message, chat, bot.id) });
    }
  }

  /** A number that no album had before. */
  nextAlbum(): number {
    this.#albumCount += 1;
    return this.#albumCount;
  }

  botsOf(chat: Chat): readonly Bot[] {
    return [...chat.members.keys()].flatMap((id) => this.bots.get(id) ?? []);
  }

  /** A `callback_query` of this person on that message. */
  press(chat: Chat, bot: Bot, person: Actor, press: { readonly message: Message; readonly data: string }): void {
    for (const { id, atMs } of this.callbacks.values()) {
      if (this.nowMs() - atMs <= botApiLimits.callbackAnswerMs) break;
      this.callbacks.delete(id);
    }
    this.#callbackCount += 1;
    const id = String(4_000_000_000_000_000_000n + BigInt(this.#callbackCount) * 7_919n);
    this.callbacks.set(id, { id, bot, atMs: this.nowMs() });
    bot.queue.push("callback_query", chat.id, {
      callback_query: {
        id,
        from: userObject(person),
        message: messageObject(press.message, chat, bot.id),
        chat_instance: String(-chat.id * 31),
        data: press.data,
      },
    });
  }
}

/** Of the shape of a real one, and the same for the same bot in every run. */
function tokenOf(id: number): string {
  return `${id}:AA${createHash("sha256").update(`token of ${id}`).digest("base64url").slice(0, 33)}`;
}
