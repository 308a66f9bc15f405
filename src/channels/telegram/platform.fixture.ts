/** A Telegram of our own with two bots, a person and a group, behind a proxy that can fail. For tests alone. */
import { createServer, type AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "../../domain/app-error.ts";
import type { Clock } from "../../platform/clock.ts";
import { systemClock } from "../../platform/clock.ts";
import type {
  EmulatedBot,
  EmulatedGroup,
  EmulatedPerson,
  SeenCall,
  TelegramEmulator,
} from "../../drill/telegram-emulator/contract.ts";
import { startTelegramEmulator } from "../../drill/telegram-emulator/server.ts";
import type { FailpointName } from "../../platform/failpoints.ts";
import type { ChannelHarness, ConformanceChat, ConformancePlatform, InboundFixture } from "../conformance.ts";
import { RecordingLink } from "../conformance/session.ts";
import { messageText, type Address } from "../../domain/message.ts";
import type { ChannelAccount, ChannelConnection, OutboundPiece } from "../contract.ts";
import { TcpProxy } from "../tcp-proxy.fixture.ts";
import { parseUpdate } from "./inbound.ts";
import { telegram } from "./index.ts";
import { manifest, type TelegramConfig } from "./manifest.ts";
import { readUpdate } from "./wire.ts";

/** Longer than anything takes that goes well. */
const patienceMs = 15_000;

export class TelegramWorld {
  readonly emulator: TelegramEmulator;
  readonly proxy: TcpProxy;
  readonly bot: EmulatedBot;
  readonly otherBot: EmulatedBot;
  readonly ann: EmulatedPerson;
  readonly group: EmulatedGroup;

  private constructor(emulator: TelegramEmulator, proxy: TcpProxy) {
    this.emulator = emulator;
    this.proxy = proxy;
    this.bot = emulator.addBot({ username: "claw_bot" });
    this.otherBot = emulator.addBot({ username: "paw_bot" });
    this.ann = emulator.addPerson({ firstName: "Ann", username: "ann" });
    this.group = emulator.addGroup({
      title: "Garden",
      kind: "supergroup",
      members: [this.bot, this.otherBot, this.ann],
    });
  }

  /** The person has begun a chat with both bots, and nothing of that is left to be read. */
  static async open(): Promise<TelegramWorld> {
    const emulator = await startTelegramEmulator({
      perSecond: Infinity,
      perChatPerSecond: Infinity,
      perGroupPerMinute: Infinity,
    });
    const world = new TelegramWorld(emulator, await TcpProxy.to(Number(new URL(emulator.url).port)));
    for (const bot of [world.bot, world.otherBot]) {
      world.ann.say(bot, "/start");
      await world.drain(bot);
    }
    return world;
  }

  /** Confirms everything that waits. */
  async drain(bot: EmulatedBot): Promise<void> {
    const ask = async (offset: number): Promise<readonly { update_id: number }[]> => {
      const response = await fetch(`${this.emulator.url}/bot${bot.token}/getUpdates?timeout=0&offset=${offset}`);
      return ((await response.json()) as { result: readonly { update_id: number }[] }).result;
    };
    let waiting = await ask(0);
    while (waiting.length > 0) waiting = await ask((waiting.at(-1)?.update_id ?? 0) + 1);
  }

  account(settings: Readonly<Record<string, unknown>> = {}, accountId = "default"): ChannelAccount<TelegramConfig> {
    const config = manifest.configSchema.parse({
      botToken: this.bot.token,
      apiRoot: `http://127.0.0.1:${this.proxy.port}`,
      ...settings,
    });
    return { channel: "telegram", accountId, config };
  }

  address(chat: ConformanceChat): Address {
    return {
      channel: "telegram",
      accountId: "default",
      ...(chat === "dm"
        ? { chatId: String(this.ann.id), chatKind: "dm" }
        : { chatId: String(this.group.id), chatKind: "group" }),
    };
  }

  /** Our texts as a person sees them. */
  said(chat: ConformanceChat): readonly string[] {
    return this.emulator
      .visible(chat === "dm" ? this.ann.id : this.group.id, this.bot)
      .filter(({ from }) => from === this.bot.id)
      .map(({ text }) => text);
  }

  calls(method: string): readonly SeenCall[] {
    return this.emulator.calls.filter((call) => call.method === method && call.bot === this.bot.id);
  }

  async close(): Promise<void> {
    await this.proxy.close();
    await this.emulator.close();
  }
}

/** Connects, runs and closes, whatever happens. */
export async function connected(
  world: TelegramWorld,
  use: (connection: ChannelConnection, link: TelegramLink) => Promise<void>,
  options: { readonly account?: ChannelAccount<TelegramConfig>; readonly link?: TelegramLink } = {},
): Promise<void> {
  const link = options.link ?? new TelegramLink();
  const account = options.account ?? world.account();
  const connection = await telegram.connect(account, link, AbortSignal.timeout(patienceMs));
  try {
    await use(connection, link);
  } finally {
    await connection.close();
  }
}

/** Resolves when it is so; fails after a while. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!isSo()) {
    if (performance.now() > deadline) throw new AppError("SYS_001", `${what}: not within ${patienceMs} ms`);
    await sleep(5);
  }
}

/** Records also what is noted, what is logged and which places are reached; its clock can be a test's own. */
export class TelegramLink extends RecordingLink {
  override readonly clock: Clock;
  readonly notes: (string | null)[] = [];
  readonly lines: { readonly message: string; readonly fields: unknown }[] = [];
  readonly reached: FailpointName[] = [];
  /** What happens at a place besides that it is written down. */
  at: (name: FailpointName) => void = () => {};
  override readonly failpoints = {
    reach: async (name: FailpointName): Promise<void> => {
      this.reached.push(name);
      this.at(name);
    },
  };
  override readonly log = this.#log();

  constructor(clock: Clock = systemClock()) {
    super();
    this.clock = clock;
  }

  note(text: string | null): void {
    this.notes.push(text);
  }

  get texts(): readonly string[] {
    return this.received.map(messageText);
  }

  #log(): RecordingLink["log"] {
    const write = (message: string, fields?: unknown): void => void this.lines.push({ message, fields });
    const log = { trace: write, debug: write, info: write, warn: write, error: write, fatal: write };
    return { ...log, child: () => this.log };
  }
}

export function pieceFor(address: Address, text: string, more: Partial<OutboundPiece> = {}): OutboundPiece {
  return { id: "part.0", address, text, label: null, replyToId: null, attachments: [], ...more };
}

export function telegramHarness(fixtures: readonly InboundFixture[]): ChannelHarness<TelegramConfig> {
  return { exempt: {}, fixtures, parse: (payload) => parseFixture(payload), open: openPlatform };
}

async function openPlatform(): Promise<ConformancePlatform<TelegramConfig>> {
  const world = await TelegramWorld.open();
  const { ann, bot, emulator, group } = world;
  const silent = createServer((socket) => void socket.on("error", () => {}));
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const nobody = await TcpProxy.to(9);
  await nobody.close();
  return {
    account: world.account(),
    secondAccount: world.account({ botToken: world.otherBot.token }, "other"),
    wrongCredentials: world.account({ botToken: `${bot.id}:wrong` }),
    unreachable: world.account({ apiRoot: `http://127.0.0.1:${nobody.port}` }),
    silent: world.account({ apiRoot: `http://127.0.0.1:${(silent.address() as AddressInfo).port}` }),
    address: (chat) => world.address(chat),
    async say(chat, text) {
      if (chat === "dm") ann.say(bot, text);
      else ann.say(group, `@${bot.username} ${text}`);
    },
    async seen(chat, found) {
      await until("what was sent", () => found(world.said(chat)));
      return world.said(chat);
    },
    faults: {
      cut: () => world.proxy.cut(),
      freeze: () => world.proxy.freeze(),
      muteAnswers: () => world.proxy.muteAnswers(),
      inject(bytes) {
        // An update that is none, with these bytes in it, and then an answer that is not JSON.
        emulator.fault({ method: "getUpdates", what: { kind: "garbage" } });
        emulator.inject(bot, { message: { text: bytes.toString("latin1"), chat: bytes.length } });
      },
    },
    async close() {
      await world.close();
      await new Promise((resolve) => silent.close(resolve));
    },
  };
}

/** In the circumstances that the fixtures were recorded in: we are `claw_bot`, hear all, and message 90 is ours. */
export function parseFixture(
  payload: string,
  more: Partial<Parameters<typeof parseUpdate>[2]> = {},
): ReturnType<typeof parseUpdate> {
  const raw = parsed(payload);
  const update = readUpdate(raw);
  if (update === null) return null;
  return parseUpdate(update, raw, {
    accountId: "default",
    me: { id: 4200, username: "claw_bot", can_read_all_group_messages: true },
    reactions: "own",
    receivedAtMs: Date.UTC(2026, 0, 2),
    id: "m",
    isOurs: (_chatId, messageId) => messageId === "90",
    numberSuffix: "",
    ...more,
  });
}

function parsed(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch {
    return undefined;
  }
}
