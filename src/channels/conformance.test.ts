import { describe, expect, it } from "vitest";
import { z } from "zod";
import { AppError } from "../domain/app-error.ts";
import { noMentions, type InboundMessage } from "../domain/message.ts";
import {
  channelConformance,
  type ChannelHarness,
  type ConformancePlatform,
  type InboundFixture,
} from "./conformance.ts";
import type {
  ChannelAccount,
  ChannelConnection,
  ChannelLink,
  ChannelManifest,
  ChannelModule,
  SendOutcome,
} from "./contract.ts";
import { textPieces } from "./text/text-pieces.ts";

/**
 * The smallest channel there can be, on a platform that is an object. It conforms; each flaw is one thing that it
 * then does wrong, and the suite has to find it. A suite that passes everything proves nothing.
 */
type Flaw =
  | "half a limit too long"
  | "eats indentation"
  | "throws on garbage"
  | "mistakes a group for a direct chat"
  | "sender is a name"
  | "hears itself"
  | "ignores abort"
  | "calls a lost answer sent"
  | "calls a lost answer not sent"
  | "says lost twice"
  | "says lost on close"
  | "speaks after close"
  | "promises edits"
  | "never offers again"
  | "sends on a closed connection"
  | "wrong credentials may be tried again"
  | "swallows the label"
  | "renders to its own limit";

interface EchoConfig {
  readonly token: string;
  readonly place: string;
}

const manifest: ChannelManifest<EchoConfig> = {
  id: "echo",
  label: "Echo",
  summary: "A platform that is an object.",
  configSchema: z.object({ token: z.string(), place: z.string() }),
  capabilities: {
    threads: false,
    edits: false,
    deletes: false,
    reactions: false,
    typing: false,
    quotes: false,
    voice: false,
    groups: true,
    receives: ["text"],
    sends: [
      "text",
      "image",
      "video",
      "audio",
      "voice",
      "document",
      "sticker",
      "location",
      "contact",
      "embed",
      "interactive",
    ],
  },
  idempotency: "blind",
  text: { max: 50, unit: "utf16" },
  messagesPerSecond: 10,
  secrets: ["token"],
};

class EchoPlatform {
  readonly texts: { readonly chatId: string; readonly text: string }[] = [];
  readonly listeners = new Set<(payload: string) => void>();
  readonly cuts = new Set<() => void>();
  frozen = false;
  mute = false;
  count = 0;

  async say(chatId: string, text: string): Promise<void> {
    this.emit({ from: "ann", id: (this.count += 1), chatId, text });
    // As on a network: the reader has had its turn when this resolves.
    await new Promise((resolve) => setImmediate(resolve));
  }

  emit(payload: Readonly<Record<string, unknown>>): void {
    if (this.frozen) return;
    for (const listener of this.listeners) listener(JSON.stringify(payload));
  }
}

function parse(payload: string, flaw: Flaw | null): InboundMessage | null {
  let event: Readonly<Record<string, unknown>>;
  try {
    const value: unknown = JSON.parse(payload);
    if (typeof value !== "object" || value === null) return null;
    event = value as Readonly<Record<string, unknown>>;
  } catch (error) {
    if (flaw === "throws on garbage") throw error;
    return null;
  }
  const { from, id, chatId, text, replyTo } = event;
  if (typeof from !== "string" || typeof chatId !== "string" || typeof text !== "string") return null;
  if (from === "echo" && flaw !== "hears itself") return null;
  return {
    id: `m-${String(id)}`,
    kind: "message",
    address: {
      channel: "echo",
      accountId: "default",
      chatId,
      chatKind: chatId === "dm" || flaw === "mistakes a group for a direct chat" ? "dm" : "group",
    },
    sender: { id: flaw === "sender is a name" ? from : `id:${from}`, handle: from },
    platformMessageId: String(id),
    content: [{ type: "text", text: text.replace(/^echo: /, "") }],
    mentions: { ...noMentions, self: chatId === "dm" || text.includes("echo") },
    ...(typeof replyTo === "string" ? { replyToId: replyTo } : {}),
    sentAtMs: 0,
    receivedAtMs: 0,
    raw: event,
  };
}

function echoModule(platform: () => EchoPlatform, flaw: Flaw | null): ChannelModule<EchoConfig> {
  return {
    manifest:
      flaw === "promises edits" ? { ...manifest, capabilities: { ...manifest.capabilities, edits: true } } : manifest,
    async connect(account, link, signal) {
      if (signal.aborted) throw AppError.from(signal.reason, "CONN_001");
      if (account.config.place === "nowhere") throw new AppError("CONN_001", "nobody there");
      if (account.config.place === "silent" && flaw !== "ignores abort") await aborted(signal);
      if (account.config.token !== "good") {
        throw new AppError(flaw === "wrong credentials may be tried again" ? "CONN_001" : "CONN_002", "wrong token");
      }
      return new EchoConnection(platform(), account, link, flaw);
    },
    render(markdown, { max }) {
      const text = flaw === "eats indentation" ? markdown.replace(/^ +/gm, "") : markdown;
      const limit = flaw === "renders to its own limit" ? 50 : flaw === "half a limit too long" ? max * 1.5 : max;
      return textPieces(text, limit, "utf16").map((shown) => ({ text: shown }));
    },
  };
}

class EchoConnection implements ChannelConnection {
  readonly #platform: EchoPlatform;
  readonly #link: ChannelLink;
  readonly #flaw: Flaw | null;
  readonly #account: ChannelAccount<EchoConfig>;
  #state: "open" | "closed" | "lost" = "open";
  #intake: Promise<void> = Promise.resolve();
  readonly #abort = new AbortController();

  constructor(platform: EchoPlatform, account: ChannelAccount<EchoConfig>, link: ChannelLink, flaw: Flaw | null) {
    this.#platform = platform;
    this.#link = link;
    this.#flaw = flaw;
    this.#account = account;
    platform.listeners.add(this.#hear);
    platform.cuts.add(this.#cut);
  }

  async send(piece: Parameters<ChannelConnection["send"]>[0], signal: AbortSignal): Promise<SendOutcome> {
    const platform = this.#platform;
    const dead = this.#state !== "open" && this.#flaw !== "sends on a closed connection";
    if (dead || signal.aborted) return { outcome: "not-sent", error: new AppError("CONN_001", "not connected") };
    if (!["dm", "group"].includes(piece.address.chatId))
      return { outcome: "not-sent", error: new AppError("MSG_002", "no such chat") };
    platform.texts.push({
      chatId: piece.address.chatId,
      text: [
        this.#flaw === "swallows the label" ? "" : piece.label,
        piece.text,
        ...piece.attachments.map((file) => file.url),
      ].join(""),
    });
    platform.emit({ from: "echo", id: (platform.count += 1), chatId: piece.address.chatId, text: piece.text });
    if (!platform.mute || this.#flaw === "calls a lost answer sent")
      return { outcome: "sent", platformMessageId: null };
    const error = await aborted(AbortSignal.any([signal, this.#abort.signal])).catch((reason: unknown) =>
      AppError.from(reason, "CONN_001"),
    );
    return { outcome: this.#flaw === "calls a lost answer not sent" ? "not-sent" : "unknown", error };
  }

  async probe(signal: AbortSignal): Promise<void> {
    if (this.#state !== "open") throw new AppError("CONN_001", "not connected");
    if (this.#platform.frozen) await aborted(signal);
  }

  async close(): Promise<void> {
    if (this.#state === "open" && this.#flaw === "says lost on close")
      this.#link.lost(new AppError("CONN_001", "closed"));
    if (this.#state === "open") this.#state = "closed";
    if (this.#flaw !== "speaks after close") this.#leave();
  }

  readonly #hear = (payload: string): void => {
    const message = parse(payload, this.#flaw);
    if (message === null) return;
    const own = { ...message, address: { ...message.address, accountId: this.#account.accountId } };
    this.#intake = this.#intake.then(async () => {
      const first = await this.#link.receive(own);
      if (first.outcome === "unavailable" && this.#flaw !== "never offers again") await this.#link.receive(own);
    });
  };

  readonly #cut = (): void => {
    this.#state = "lost";
    this.#leave();
    const error = new AppError("CONN_001", "broken");
    this.#abort.abort(error);
    this.#link.lost(error);
    if (this.#flaw === "says lost twice") this.#link.lost(error);
  };

  #leave(): void {
    this.#platform.listeners.delete(this.#hear);
    this.#platform.cuts.delete(this.#cut);
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const onAbort = (): void => reject(AppError.from(signal.reason, "CONN_001"));
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

const fixtures: readonly InboundFixture[] = Array.from({ length: 24 }, (_none, index) => {
  const direct = index % 2 === 0;
  const self = direct || index % 3 === 0;
  const text = self && !direct ? `echo ${index}` : `text ${index}`;
  const event = {
    from: "ann",
    id: index,
    chatId: direct ? "dm" : "group",
    text,
    ...(index === 5 ? { replyTo: "r5" } : {}),
  };
  return {
    name: `event ${index}`,
    payload: JSON.stringify(event),
    expected: { chatKind: direct ? "dm" : "group", text, self, ...(index === 5 ? { replyToId: "r5" } : {}) },
  };
});
const own: InboundFixture = {
  name: "our own",
  payload: JSON.stringify({ from: "echo", id: 99, chatId: "dm", text: "x" }),
  expected: null,
};

/** Runs every case, or one, and gives the names of those that failed. */
async function failures(flaw: Flaw | null, only: string | null = null): Promise<readonly string[]> {
  let platform = new EchoPlatform();
  const account = (config: Partial<EchoConfig>, accountId: string = "default"): ChannelAccount<EchoConfig> => ({
    channel: "echo",
    accountId,
    config: { token: "good", place: "here", ...config },
  });
  const harness: ChannelHarness<EchoConfig> = {
    // The object relays to every account alike.
    exempt: { "life: two accounts stand side by side, and each gets its own": "the platform knows one account" },
    fixtures: [...fixtures, own],
    patienceMs: 1_000,
    parse: (payload) => parse(payload, flaw),
    open: () => {
      platform = new EchoPlatform();
      return Promise.resolve(conformancePlatform(platform, account));
    },
  };
  const failed: string[] = [];
  for (const { name, exempt, run } of channelConformance(
    echoModule(() => platform, flaw),
    harness,
  )) {
    if (exempt !== null || (only !== null && only !== name)) continue;
    try {
      await run();
    } catch {
      failed.push(name);
    }
  }
  return failed;
}

function conformancePlatform(
  platform: EchoPlatform,
  account: (config: Partial<EchoConfig>, accountId?: string) => ChannelAccount<EchoConfig>,
): ConformancePlatform<EchoConfig> {
  return {
    account: account({}),
    secondAccount: account({}, "second"),
    wrongCredentials: account({ token: "bad" }),
    unreachable: account({ place: "nowhere" }),
    silent: account({ place: "silent" }),
    address: (chat) => ({ channel: "echo", accountId: "default", chatId: chat, chatKind: chat }),
    say: (chat, text) => platform.say(chat, chat === "group" ? `echo: ${text}` : text),
    seen(chat, found) {
      const texts = platform.texts.filter((sent) => sent.chatId === chat).map((sent) => sent.text);
      return found(texts) ? Promise.resolve(texts) : Promise.reject(new AppError("SYS_001", "not seen"));
    },
    faults: {
      cut() {
        for (const cut of platform.cuts) cut();
      },
      freeze: () => void (platform.frozen = true),
      muteAnswers: () => void (platform.mute = true),
      inject(bytes) {
        for (const listener of platform.listeners) listener(bytes.toString());
      },
    },
    close: async () => {},
  };
}

describe("the conformance suite", () => {
  it("K21: has at least 60 cases, each with a name of its own", () => {
    const names = channelConformance(
      echoModule(() => new EchoPlatform(), null),
      {
        exempt: {},
        fixtures,
        parse: () => null,
        open: () => Promise.reject(new AppError("SYS_001", "not run")),
      },
    ).map(({ name }) => name);
    expect(names.length).toBeGreaterThanOrEqual(60);
    expect(new Set(names).size).toBe(names.length);
  });

  it("K21: passes a channel that conforms", async () => {
    expect(await failures(null)).toEqual([]);
  });

  const found: Readonly<Record<Flaw, string>> = {
    "half a limit too long": "rendering: every piece of a naughty string is within the limit",
    "eats indentation": "rendering: code keeps its lines and their indentation",
    "throws on garbage": "parsing: garbage is nothing",
    "mistakes a group for a direct chat": "parsing: a direct message is told from a group's",
    "sender is a name": "parsing: the address names this channel, and the sender's id is not the name that people see",
    "hears itself": "inbound: what we send does not come back as a message",
    "ignores abort": "life: an attempt under way ends at once when it is called off",
    "calls a lost answer sent": "sending: a send whose answer is lost is in doubt, never sent and never not sent",
    "calls a lost answer not sent": "sending: a send whose answer is lost is in doubt, never sent and never not sent",
    "says lost twice": "life: a connection that breaks is told once",
    "says lost on close": "life: closing is not losing",
    "speaks after close": "life: hands over nothing after it is closed",
    "promises edits": "manifest: a method is there exactly where the capability says so",
    "never offers again": "inbound: a message that could not be stored is offered again, before the one behind it",
    "sends on a closed connection": "sending: a send on a closed connection is not sent",
    "renders to its own limit": "rendering: a smaller limit than the platform's is kept, so that a label has room",
    "swallows the label": "sending: a label stands in front of the text",
    "wrong credentials may be tried again": "life: wrong credentials are CONN_002, and not worth another try",
  };
  for (const [flaw, name] of Object.entries(found)) {
    it(`K21: finds a channel that ${flaw}`, async () => {
      expect(await failures(flaw as Flaw, name)).toEqual([name]);
    });
  }
});
