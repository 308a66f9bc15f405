/** A server, a person on it, and a proxy that can fail: one IRC platform for one conformance case. For tests alone. */
import { createServer, type AddressInfo } from "node:net";
import type { ChannelHarness, ConformanceChat, ConformancePlatform, InboundFixture } from "../conformance.ts";
import type { ChannelAccount } from "../contract.ts";
import { parseInbound } from "./inbound.ts";
import { parseLine } from "./line.ts";
import { manifest, type IrcConfig } from "./manifest.ts";
import { freePort } from "./ngircd.fixture.ts";
import { Person } from "./person.fixture.ts";
import { TcpProxy } from "../tcp-proxy.fixture.ts";

export const password = "sesame";

export interface AccountOptions {
  readonly port: number;
  readonly nick: string;
  readonly rooms?: readonly string[];
  readonly settings?: Readonly<Record<string, unknown>>;
}

export function ircAccount({ port, nick, rooms = [], settings = {} }: AccountOptions): ChannelAccount<IrcConfig> {
  const config = manifest.configSchema.parse({
    host: "127.0.0.1",
    port,
    tls: false,
    nick,
    password,
    channels: rooms,
    flood: { burst: 20, perSecond: 500 },
    ...settings,
  });
  return { channel: "irc", accountId: nick, config };
}

export function ircHarness(serverPort: () => number, fixtures: readonly InboundFixture[]): ChannelHarness<IrcConfig> {
  let count = 0;
  return {
    exempt: {},
    fixtures,
    parse: parseFixture,
    open: async () => {
      count += 1;
      return openPlatform(serverPort(), count);
    },
  };
}

async function openPlatform(port: number, number: number): Promise<ConformancePlatform<IrcConfig>> {
  const [nick, room] = [`claw${number}`, `#room${number}`];
  const person = await Person.connect({ port, nick: `ann${number}`, password });
  await person.join(room);
  const proxy = await TcpProxy.to(port);
  const silent = createServer((socket) => void socket.on("error", () => {}));
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const nobodyThere = await freePort();
  return {
    account: ircAccount({ port: proxy.port, nick, rooms: [room] }),
    secondAccount: ircAccount({ port: proxy.port, nick: `paw${number}`, rooms: [room] }),
    wrongCredentials: ircAccount({ port: proxy.port, nick, settings: { password: "wrong" } }),
    unreachable: ircAccount({ port: nobodyThere, nick }),
    silent: ircAccount({ port: (silent.address() as AddressInfo).port, nick }),
    address: (chat) => ({
      channel: "irc",
      accountId: nick,
      ...(chat === "dm" ? { chatId: person.nick, chatKind: "dm" } : { chatId: room, chatKind: "group" }),
    }),
    say: (chat, text) => (chat === "dm" ? person.say(nick, text) : person.say(room, `${nick}: ${text}`)),
    async seen(chat: ConformanceChat, found) {
      const texts = (): readonly string[] => person.said(nick, chat === "dm" ? person.nick : room);
      await person.until("what was sent", () => found(texts()));
      return texts();
    },
    faults: proxy,
    async close() {
      person.close();
      await proxy.close();
      await new Promise((resolve) => silent.close(resolve));
    },
  };
}

/** In the circumstances that the fixtures were recorded in: we are `claw` in `#room`. */
export function parseFixture(payload: string): ReturnType<typeof parseInbound> {
  const line = parseLine(payload);
  if (line === null) return null;
  return parseInbound(line, payload, {
    accountId: "default",
    nick: "claw",
    names: ["claw"],
    casemap: "rfc1459",
    roomTypes: "#&",
    mentionAnywhere: true,
    ignoreBots: true,
    accounts: true,
    receivedAtMs: Date.UTC(2026, 0, 2),
    id: "m",
    repeated: () => 0,
    isOurs: (id) => id === "ours1",
  });
}
