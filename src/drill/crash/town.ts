/**
 * The people, bots and groups of a drill, on the emulators: who says what, what the model answers, what everybody saw.
 * It outlives every gateway and believes none of them.
 */
import type { Clock } from "../../platform/clock.ts";
import type { Chance } from "../chance.ts";
import type { Reply, SeenRequest } from "../model-emulator/script.ts";
import { startModelEmulator, type ModelEmulator } from "../model-emulator/server.ts";
import { textOf } from "../model-emulator/wire.ts";
import type { EmulatedBot, EmulatedGroup, EmulatedPerson, TelegramEmulator } from "../telegram-emulator/contract.ts";
import { startTelegramEmulator } from "../telegram-emulator/server.ts";
import { chatName, type ModelCall, type SaidMessage, type SeenMessage, type Truth } from "../truth.ts";
import { streamings } from "../../domain/delivery-policy.ts";
import { drillPrice, type DrillAccount } from "./drill-config.ts";

export interface TownOptions {
  readonly bots: number;
  readonly people: number;
  /** Some accounts show their answers while these are written; otherwise every answer is whole. */
  readonly streaming: boolean;
  readonly chance: Chance;
  readonly clock: Clock;
  readonly repeatLabel: string;
}

interface Group {
  readonly group: EmulatedGroup;
  readonly bot: number;
}

export async function openTown(options: TownOptions): Promise<Town> {
  const telegram = await startTelegramEmulator();
  const model = await startModelEmulator({ remember: 1_000_000 });
  return new Town(options, telegram, model);
}

export const modelKey = "drill-canary-model-key-5f2c";

export class Town {
  readonly telegram: TelegramEmulator;
  readonly model: ModelEmulator;
  readonly accounts: readonly DrillAccount[];
  readonly said: SaidMessage[] = [];
  readonly closures: { chat: string; fromMs: number }[] = [];
  /** What the model does with the next questions. */
  readonly modelFaults: Reply[] = [];
  readonly #options: TownOptions;
  readonly #bots: readonly EmulatedBot[];
  readonly #people: readonly EmulatedPerson[];
  readonly #groups: readonly Group[];
  readonly #closed = new Set<EmulatedGroup>();
  /** Tokens of what was said to each bot, in order: as many of the first ones are confirmed as are not pending. */
  readonly #saidTo: string[][];

  constructor(options: TownOptions, telegram: TelegramEmulator, model: ModelEmulator) {
    this.#options = options;
    this.telegram = telegram;
    this.model = model;
    const numbers = Array.from({ length: options.bots }, (_unused, index) => index);
    this.#bots = numbers.map((index) =>
      telegram.addBot({ username: `drill_${index + 1}_bot`, canReadAllGroupMessages: true }),
    );
    this.#people = Array.from({ length: options.people }, (_unused, index) =>
      telegram.addPerson({ firstName: `Person ${index + 1}` }),
    );
    this.#groups = numbers.flatMap((bot) =>
      ["first", "second"].map((name) => ({
        bot,
        group: telegram.addGroup({
          title: `The ${name} room of bot ${bot + 1}`,
          kind: "supergroup",
          members: [this.#bots[bot] as EmulatedBot, ...this.#people],
        }),
      })),
    );
    this.#saidTo = numbers.map(() => []);
    this.accounts = this.#bots.map(({ token }, index) => ({
      name: accountName(index),
      token,
      // Whole from the first, in blocks from the second, as one that grows from the third.
      streaming: (options.streaming ? streamings[index % streamings.length] : undefined) ?? "off",
    }));
    model.play((request) => this.#answer(request));
  }

  /** Somebody says something somewhere: mostly a question for a bot, now and then for its tool, or nothing for us. */
  saySomething(): void {
    const { chance } = this.#options;
    const question = chance.happens(0.12) ? "question for the time tool" : "question";
    if (chance.happens(0.75)) this.#sayDirectly(question);
    else this.#sayInGroup(question);
  }

  /** A question to a bot that shows its answer while it is written, with an answer that takes long enough for it. */
  askForGrowing(): void {
    const bot = this.accounts.findIndex(({ streaming }) => streaming === "edit");
    if (bot === -1) return;
    const person = this.#options.chance.pick(this.#people);
    const token = this.#nextToken();
    const messageId = person.say(this.#bots[bot] as EmulatedBot, `question to be answered slowly ${token}`);
    this.#note(token, { bot, chatId: person.id, kind: "dm", messageId, expect: "answer" });
  }

  /** A question from one person after the other to one bot after the other. */
  askDirectly(): void {
    const number = this.said.length;
    const bot = number % this.#bots.length;
    const person = this.#people[Math.floor(number / this.#bots.length) % this.#people.length] as EmulatedPerson;
    const token = this.#nextToken();
    const messageId = person.say(this.#bots[bot] as EmulatedBot, `question ${token}`);
    this.#note(token, { bot, chatId: person.id, kind: "dm", messageId, expect: "answer" });
  }

  /** What the model was asked, when, and when its answer was out. */
  askedModel(): readonly {
    readonly tokens: readonly string[];
    readonly atMs: number;
    readonly endMs: number | null;
  }[] {
    return this.model.requests.map((request) => ({
      tokens: questionIn(request).tokens,
      atMs: request.atMs,
      endMs: request.endMs,
    }));
  }

  /** When a bot's call with the first piece of an answer arrived at the platform, by token. */
  shownFirst(): ReadonlyMap<string, number> {
    const first = new Map<string, number>();
    for (const call of this.telegram.calls) {
      const token = isShown(call) ? /\b(m\d+)#1\b/.exec(String(call.params["text"]))?.[1] : undefined;
      if (token !== undefined && !first.has(token)) first.set(token, call.atMs);
    }
    return first;
  }

  /** From now on nobody is answered there. What was said before may or may not be. */
  closeGroup(): string | null {
    const open = this.#groups.filter(({ group }) => !this.#closed.has(group));
    const last = open.at(-1);
    // One stays open: a drill without groups would prove less.
    if (last === undefined || open.length <= 1) return null;
    this.#closed.add(last.group);
    const chat = chatName(this.#addressOf(last.bot, last.group.id, "group"));
    for (const [index, message] of this.said.entries()) {
      if (message.chat === chat && message.expect === "answer") this.said[index] = { ...message, expect: "either" };
    }
    this.closures.push({ chat, fromMs: this.#options.clock.nowMs() });
    return String(last.group.id);
  }

  closedGroups(): readonly string[] {
    return [...this.#closed].map(({ id }) => String(id));
  }

  pendingUpdates(): number {
    return this.#bots.reduce((sum, bot) => sum + this.telegram.pendingUpdates(bot), 0);
  }

  /** Questions that nobody has seen an answer to; what broke at the model counts among them until the end. */
  waiting(): number {
    const shown = new Set(this.seen().flatMap(({ text }) => text.match(/\bm\d+#2\b/g) ?? []));
    return this.said.filter(({ expect, token }) => expect === "answer" && !shown.has(`${token}#2`)).length;
  }

  /** Bots whose updates were asked for since then. */
  connectedSince(atMs: number): number {
    return this.#bots.filter(({ id }) =>
      this.telegram.calls.some((call) => call.bot === id && call.method === "getUpdates" && call.atMs >= atMs),
    ).length;
  }

  /** When a bot first said something after that moment; null where none did. */
  firstReplyAfter(atMs: number): number | null {
    return this.telegram.calls.find((call) => isShown(call) && call.atMs >= atMs)?.atMs ?? null;
  }

  /** In the order in which each chat shows it. */
  seen(): readonly SeenMessage[] {
    const { repeatLabel } = this.#options;
    const chats = new Map(this.said.map((message) => [message.chat, message.address]));
    return [...chats].flatMap(([chat, address]) => {
      const bot = this.#bots[accountIndex(address.accountId)] as EmulatedBot;
      return this.telegram
        .visible(Number(address.chatId), bot)
        .filter((message) => message.from === bot.id)
        .map(({ text, messageId, atMs }) => ({
          chat,
          text,
          platformMessageId: String(messageId),
          atMs,
          labelled: text.startsWith(repeatLabel.trimEnd()),
        }));
    });
  }

  truth(): Pick<Truth, "said" | "seen" | "modelCalls" | "canAmend" | "closures" | "refusals" | "canaries"> {
    return {
      said: this.#acknowledged(),
      seen: this.seen(),
      modelCalls: this.model.requests.map(modelCall),
      canAmend: true,
      closures: this.closures,
      refusals: this.#refusals(),
      canaries: [modelKey, ...this.#bots.map(({ token }) => token)],
    };
  }

  async close(): Promise<void> {
    await this.telegram.close();
    await this.model.close();
  }

  #sayDirectly(question: string): void {
    const bot = this.#options.chance.below(this.#bots.length);
    const person = this.#options.chance.pick(this.#people);
    const token = this.#nextToken();
    const messageId = person.say(this.#bots[bot] as EmulatedBot, `${question} ${token}`);
    this.#note(token, { bot, chatId: person.id, kind: "dm", messageId, expect: "answer" });
  }

  #sayInGroup(question: string): void {
    const { bot, group } = this.#options.chance.pick(this.#groups);
    const person = this.#options.chance.pick(this.#people);
    const token = this.#nextToken();
    const isForUs = this.#options.chance.happens(0.7);
    const words = isForUs ? `@${this.#bots[bot]?.username} ${question}` : "chatter";
    const messageId = person.say(group, `${words} ${token}`);
    const expect = isForUs && !this.#closed.has(group) ? "answer" : "silence";
    this.#note(token, { bot, chatId: group.id, kind: "group", messageId, expect });
  }

  #note(
    token: string,
    where: { bot: number; chatId: number; kind: "dm" | "group"; messageId: number; expect: SaidMessage["expect"] },
  ): void {
    const address = this.#addressOf(where.bot, where.chatId, where.kind);
    this.#saidTo[where.bot]?.push(token);
    this.said.push({
      token,
      chat: chatName(address),
      address,
      platformMessageId: String(where.messageId),
      atMs: this.#options.clock.nowMs(),
      expect: where.expect,
      marks: [`${token}#1`, `${token}#2`],
      acknowledged: false,
    });
  }

  #addressOf(bot: number, chatId: number, chatKind: "dm" | "group"): SaidMessage["address"] {
    return { channel: "telegram", accountId: accountName(bot), chatId: String(chatId), chatKind };
  }

  #nextToken(): string {
    return `m${this.said.length + 1}`;
  }

  #acknowledged(): readonly SaidMessage[] {
    const confirmed = new Set(
      this.#saidTo.flatMap((tokens, index) => {
        const pending = this.telegram.pendingUpdates(this.#bots[index] as EmulatedBot);
        return tokens.slice(0, Math.max(0, tokens.length - pending));
      }),
    );
    return this.said.map((message) => ({ ...message, acknowledged: confirmed.has(message.token) }));
  }

  #refusals(): Truth["refusals"] {
    return this.telegram.calls
      .filter((call) => changing.test(call.method) && (call.status !== 200 || !call.effective))
      .map((call) => {
        const bot = this.#bots.findIndex(({ id }) => id === call.bot);
        const chat = ["telegram", accountName(bot), String(call.params["chat_id"])].join("/");
        return { chat, atMs: call.atMs };
      });
  }

  #answer(request: SeenRequest): Reply {
    const fault = this.modelFaults.shift();
    if (fault !== undefined) return fault;
    const question = questionIn(request);
    const deltaDelayMs = question.isSlow ? slowDeltaMs : this.#options.chance.below(12);
    if (question.wantsTool && request.lastRole === "user")
      return { toolCalls: [{ name: "time", input: {} }], deltaDelayMs };
    const paragraphs = question.tokens.flatMap((token) => [`First ${token}#1.`, `Then ${token}#2.`]);
    return { text: paragraphs.join("\n\n"), delayMs: this.#options.chance.below(60), deltaDelayMs };
  }
}

/** Calls that people see the effect of. */
const changing = /^(send|edit|delete)/;
/** Four of these are longer than the pause between two edits. */
const slowDeltaMs = 1_300;

function accountName(index: number): string {
  return `bot${index + 1}`;
}

function accountIndex(name: string): number {
  return Number(name.slice("bot".length)) - 1;
}

function isShown({ method, effective }: TelegramEmulator["calls"][number]): boolean {
  return method === "sendMessage" && effective;
}

/** The newest question in a prompt of any protocol: what was said in a room before it is no question of this turn. */
function questionIn({ body }: SeenRequest): {
  readonly tokens: readonly string[];
  readonly wantsTool: boolean;
  readonly isSlow: boolean;
} {
  const list = body["messages"] ?? body["input"] ?? body["contents"];
  const texts = Array.isArray(list)
    ? list.filter((entry) => (entry as { role?: unknown }).role === "user").map(entryText)
    : [];
  const newest = texts.findLast((text) => asked.test(text)) ?? "";
  const found = newest.match(new RegExp(asked, "g")) ?? [];
  // In a text with several lines the last one is what this turn is about.
  const line = found.at(-1) ?? "";
  return { tokens: line.match(/\bm\d+\b/g) ?? [], wantsTool: /\btool\b/.test(line), isSlow: /\bslowly\b/.test(line) };
}

const asked = /\bquestion\b[^\n]*?\bm\d+\b/;

function entryText(entry: unknown): string {
  const { content, parts } = entry as { content?: unknown; parts?: unknown };
  return textOf(content ?? parts);
}

function modelCall(request: SeenRequest): ModelCall {
  const { tokens } = questionIn(request);
  const charged = request.charged ?? { input: 0, output: 0 };
  const isWhole = request.outcome === "whole";
  // What broke is booked by an estimate, which may be above what was charged for the piece that came.
  const factor = isWhole ? 1 : 3;
  return {
    step: `${request.lastRole}:${tokens.join("+")}`,
    atMs: request.atMs,
    outcome: isWhole ? "complete" : "broken",
    costMicros: factor * (charged.input * drillPrice.input + charged.output * drillPrice.output),
  };
}
