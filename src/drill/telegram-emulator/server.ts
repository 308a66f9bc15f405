/**
 * The Telegram emulator as tests and `openclaw drill` hold it: builds the world and the front door, and gives bots,
 * people and groups their handles. See `contract.ts` for what it promises.
 */
import { AppError } from "../../domain/app-error.ts";
import { systemClock, type Clock } from "../../platform/clock.ts";
import { botApiLimits } from "./bot-api-limits.ts";
import { CallLog } from "./call-log.ts";
import type {
  EmulatedBot,
  EmulatedGroup,
  EmulatedPerson,
  FaultRule,
  SeenCall,
  SeenMessage,
  TelegramEmulator,
  TelegramEmulatorOptions,
} from "./contract.ts";
import { FaultRules } from "./fault-rules.ts";
import { FrontDoor } from "./front-door.ts";
import { groupHandle, personHandle } from "./handles.ts";
import { RateLimits } from "./rate-limits.ts";
import { Params } from "./request/params.ts";
import { Webhook } from "./updates/webhook.ts";
import type { Actor } from "./world/actor.ts";
import { isService, type Chat } from "./world/chat.ts";
import type { Message } from "./world/message.ts";
import { World, type Bot } from "./world/world.ts";

export async function startTelegramEmulator(options: TelegramEmulatorOptions = {}): Promise<TelegramEmulator> {
  const emulator = new Emulator(options);
  await emulator.listen(options.port ?? 0);
  return emulator;
}

const rememberedCalls = 500_000;
const webhookRetryMs = 1_000;

class Emulator implements TelegramEmulator {
  readonly #options: TelegramEmulatorOptions;
  readonly #clock: Clock;
  readonly #world: World;
  readonly #log: CallLog;
  readonly #faults = new FaultRules();
  readonly #webhooks = new Map<number, Webhook>();
  readonly #door: FrontDoor;

  constructor(options: TelegramEmulatorOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock();
    const nowMs = options.nowMs ?? (() => this.#clock.nowMs());
    this.#world = new World(this.#clock, nowMs);
    this.#log = new CallLog(options.remember ?? rememberedCalls);
    this.#door = new FrontDoor({
      world: this.#world,
      limits: new RateLimits({
        perSecond: options.perSecond ?? botApiLimits.perSecond,
        perChatPerSecond: options.perChatPerSecond ?? null,
        perGroupPerMinute: options.perGroupPerMinute ?? botApiLimits.perGroupPerMinute,
        nowMs,
      }),
      log: this.#log,
      faults: this.#faults,
      clock: this.#clock,
      webhookOf: (bot) => this.#webhookOf(bot),
    });
  }

  get url(): string {
    return this.#door.url;
  }

  get calls(): readonly SeenCall[] {
    return this.#log.calls;
  }

  listen(port: number): Promise<void> {
    return this.#door.listen(port);
  }

  addBot(options: { readonly username: string; readonly canReadAllGroupMessages?: boolean }): EmulatedBot {
    const { id, token } = this.#world.addBot(options.username, options.canReadAllGroupMessages ?? false);
    return { id, token, username: options.username };
  }

  addPerson(options: { readonly firstName: string; readonly username?: string }): EmulatedPerson {
    return personHandle(this.#world, this.#world.addPerson(options.firstName, options.username ?? null));
  }

  addGroup(options: Parameters<TelegramEmulator["addGroup"]>[0]): EmulatedGroup {
    const group = this.#world.addGroup(options.title, options.kind, options.forum ?? false);
    for (const { id } of options.members) group.members.set(id, this.#actor(id));
    return groupHandle(this.#world, group);
  }

  visible(chatId: number, bot?: EmulatedBot): readonly SeenMessage[] {
    return this.#chats(chatId, bot).flatMap((chat) =>
      [...chat.messages()].filter((message) => !isService(message)).map(seen),
    );
  }

  fault(rule: FaultRule): void {
    this.#faults.add(rule);
  }

  clearFaults(): void {
    this.#faults.clear();
  }

  pendingUpdates(bot: EmulatedBot): number {
    return this.#bot(bot.id).queue.size;
  }

  inject(bot: EmulatedBot, update: Readonly<Record<string, unknown>>): void {
    this.#bot(bot.id).queue.inject(update);
  }

  forget(): void {
    this.#log.forget();
    for (const chat of this.#everyChat()) chat.forget();
  }

  close(): Promise<void> {
    for (const webhook of this.#webhooks.values()) webhook.close();
    return this.#door.close();
  }

  #bot(id: number): Bot {
    const bot = this.#world.bots.get(id);
    if (bot === undefined) throw new AppError("SYS_003", `The Telegram emulator has no bot ${id}.`);
    return bot;
  }

  #actor(id: number): Actor {
    return this.#world.people.get(id) ?? this.#bot(id);
  }

  #everyChat(): readonly Chat[] {
    return [
      ...this.#world.groups.values(),
      ...[...this.#world.bots.values()].flatMap(({ directs }) => [...directs.values()]),
    ];
  }

  #chats(chatId: number, bot: EmulatedBot | undefined): readonly Chat[] {
    const group = this.#world.groups.get(chatId);
    if (group !== undefined) return [group];
    const bots = bot === undefined ? [...this.#world.bots.values()] : [this.#bot(bot.id)];
    return bots.flatMap(({ directs }) => directs.get(chatId) ?? []);
  }

  #webhookOf(bot: Bot): Webhook {
    const known = this.#webhooks.get(bot.id);
    if (known !== undefined) return known;
    const webhook = new Webhook({
      queue: bot.queue,
      clock: this.#clock,
      nowMs: this.#world.nowMs,
      retryMs: this.#options.webhookRetryMs ?? webhookRetryMs,
      onAnswer: (method, values) => this.#door.callBack(bot, method, new Params(values, new Map())),
    });
    this.#webhooks.set(bot.id, webhook);
    return webhook;
  }
}

function seen(message: Message): SeenMessage {
  const { media, reactions } = message;
  return {
    messageId: message.id,
    from: message.from.id,
    text: message.text,
    entities: message.entities.map((entity) => ({ ...entity })),
    media: media === null ? null : { kind: media.kind, fileName: media.file.fileName, sizeBytes: media.file.sizeBytes },
    replyTo: message.replyTo,
    threadId: message.threadId,
    reactions: reactions === null ? [] : [...reactions.values()].flat(),
    edits: message.edits,
    atMs: message.atMs,
  };
}
