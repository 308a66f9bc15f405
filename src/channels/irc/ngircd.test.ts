/** The channel on a real server, through the supervisor: what people on IRC would notice. */
import { afterAll, describe, expect, it } from "vitest";
import { messageText, type InboundMessage } from "../../domain/message.ts";
import type { AppEvent } from "../../domain/events.ts";
import { createEventBus } from "../../platform/bus.ts";
import { systemClock } from "../../platform/clock.ts";
import { systemIds } from "../../platform/ids.ts";
import { accountSettings } from "../account-settings.ts";
import { RecordingLink, connect, soon, thrown } from "../conformance/session.ts";
import { fakeMemory, recordingLog } from "../fake-channel.fixture.ts";
import { channelManifests, channelModule } from "../registry.ts";
import { createChannelSupervisor, type ChannelSupervisor } from "../supervisor.ts";
import { createWebhooks } from "../webhooks.ts";
import { irc } from "./index.ts";
import { Ngircd, ngircdMissing, type NgircdOptions } from "./ngircd.fixture.ts";
import { Person } from "./person.fixture.ts";
import { ircAccount, ircHarness, password } from "./platform.fixture.ts";

const missing = ngircdMissing(process.env["OPENCLAW_TEST_SERVICES"] === "required");
const context = { module: irc, harness: ircHarness(() => 0, []) };
const opened: (() => Promise<unknown> | void)[] = [];

async function serve(options: NgircdOptions = {}): Promise<Ngircd> {
  const server = await Ngircd.start({ password, ...options });
  opened.push(() => server.stop());
  return server;
}

async function person(server: Ngircd, nick: string, tls: boolean = false): Promise<Person> {
  const somebody = await Person.connect({ port: server.port, nick, password, tls });
  opened.push(() => somebody.close());
  return somebody;
}

interface House {
  readonly supervisor: ChannelSupervisor;
  readonly received: InboundMessage[];
  readonly events: AppEvent[];
  until(isSo: () => boolean): Promise<void>;
}

/** A supervisor whose pauses are short: what is tested is that it comes back, not how patient it is. */
async function house(channels: Record<string, Record<string, unknown>>): Promise<House> {
  const received: InboundMessage[] = [];
  const events: AppEvent[] = [];
  const wakes = new Set<() => void>();
  const wake = (): void => [...wakes].forEach((look) => look());
  const log = recordingLog();
  const bus = createEventBus(log);
  bus.on((event) => {
    events.push(event);
    wake();
  });
  const clock = systemClock();
  const supervisor = createChannelSupervisor({
    modules: channelModule,
    label: (id) => id,
    accounts: accountSettings(channels, channelManifests()),
    receive: (message) => {
      received.push(message);
      wake();
      return Promise.resolve({ outcome: "accepted" });
    },
    clock: {
      ...clock,
      after: (delayMs, callback) =>
        clock.after(delayMs <= 60_000 && delayMs >= 1_000 ? delayMs / 10 : delayMs, callback),
    },
    ids: systemIds(),
    log,
    bus,
    memoryOf: fakeMemory(),
    webhooks: createWebhooks(),
    commands: [],
  });
  opened.push(() => supervisor.close());
  await supervisor.start();
  return {
    supervisor,
    received,
    events,
    until: (isSo) =>
      new Promise<void>((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`waited in vain: ${JSON.stringify(supervisor.status())}`)),
          20_000,
        );
        const look = (): void => {
          if (!isSo()) return;
          clearTimeout(timer);
          wakes.delete(look);
          resolve();
        };
        wakes.add(look);
        look();
      }),
  };
}

function stateOf({ supervisor }: House, accountId: string = "default"): string | undefined {
  return supervisor.status().find((status) => status.channel === "irc" && status.accountId === accountId)?.state;
}

// Tests run side by side, each with a server of its own, since a real server lets nobody in quickly.
afterAll(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

const settings = (port: number, more: Readonly<Record<string, unknown>> = {}) => ({
  host: "127.0.0.1",
  port,
  tls: false,
  nick: "claw",
  password,
  channels: ["#room"],
  flood: { burst: 10, perSecond: 20 },
  ...more,
});

describe.skipIf(missing !== null)(`irc on ngircd${missing === null ? "" : ` (skipped: ${missing})`}`, () => {
  it.concurrent("K14: over TLS; an unknown certificate is refused unless the settings take any", async () => {
    const server = await serve({ tls: true });
    const strict = ircAccount({ port: server.port, nick: "claw", settings: { tls: true } });
    expect(await thrown(connect(context, strict))).toMatchObject({
      code: "CONN_001",
      message: expect.stringContaining("certificate"),
    });
    const lenient = ircAccount({
      port: server.port,
      nick: "claw",
      rooms: ["#room"],
      settings: { tls: true, tlsInsecure: true },
    });
    const link = new RecordingLink();
    const connection = await connect(context, lenient, link);
    const ann = await person(server, "ann", true);
    await ann.say("claw", "over TLS");
    await link.until("the message", ({ received }) => received.length === 1);
    const address = link.received[0]?.address ?? ircAccountAddress();
    expect(
      await connection.send(
        { id: "p", address, text: "and back", label: null, replyToId: null, attachments: [] },
        soon(),
      ),
    ).toMatchObject({ outcome: "sent" });
    await ann.until("the answer", () => ann.said("claw", "ann").includes("and back"));
    await connection.close();
  }, 40_000);

  it.concurrent("K14: a nick in use is followed by another, and people still reach it", async () => {
    const server = await serve();
    await person(server, "claw");
    const { received, until } = await house({ irc: settings(server.port) });
    const ann = await person(server, "ann");
    await ann.join("#room");
    await ann.line(/ 353 .*claw_|^:claw_!\S+ JOIN/);
    await ann.say("#room", "claw_: hello");
    await until(() => received.length === 1);
    expect(received[0]?.mentions.self).toBe(true);
  }, 40_000);

  it.concurrent("K14 L5 F5: the server is killed and comes back: reconnected, in its rooms, one event for each step", async () => {
    const server = await serve();
    const world = await house({ irc: settings(server.port) });
    await world.until(() => stateOf(world) === "CONNECTED");
    await server.kill();
    await world.until(() => stateOf(world) === "RECONNECTING" || stateOf(world) === "ERROR");
    expect(world.supervisor.connection("irc", "default")).toBeNull();
    await server.run();
    await world.until(() => stateOf(world) === "CONNECTED");
    const ann = await person(server, "ann");
    await ann.join("#room");
    await ann.say("#room", "claw: still there?");
    await world.until(() => world.received.length === 1);
    expect(messageText(world.received[0] ?? { content: [] })).toBe("still there?");
    const states = world.events.flatMap((event) =>
      event.type === "channel.state" && event.channel === "irc" ? [`${event.previous}>${event.state}`] : [],
    );
    expect(states.slice(0, 3)).toEqual(["DISCONNECTED>CONNECTING", "CONNECTING>CONNECTED", "CONNECTED>RECONNECTING"]);
    expect(states.filter((step) => step.endsWith(">CONNECTED"))).toHaveLength(2);
    for (const [index, step] of states.entries())
      expect(step.split(">")[0]).toBe(states[index - 1]?.split(">")[1] ?? "DISCONNECTED");
    expect(world.supervisor.status()[0]).toMatchObject({ reconnects: 1 });
  }, 60_000);

  // A server lets a client have about ten commands a second: five at a time keep these two within seconds.
  it.concurrent("K14: 200 lines out, as fast as the server takes them, are neither lost nor reordered", async () => {
    const server = await serve();
    const accounts = Object.fromEntries(["a", "b", "c", "d", "e"].map((name) => [name, { nick: `claw${name}` }]));
    const { nick: _nick, ...shared } = settings(server.port, { flood: { burst: 20, perSecond: 500 } });
    const world = await house({ irc: { ...shared, accounts } });
    await world.until(() => Object.keys(accounts).every((name) => stateOf(world, name) === "CONNECTED"));
    const ann = await person(server, "ann");
    await ann.join("#room");
    const text = Array.from({ length: 40 }, (_none, index) => `line ${index} größe 👍`).join("\n");
    const results = await Promise.all(
      Object.keys(accounts).map((accountId) => {
        const address = { channel: "irc", accountId, chatId: "#room", chatKind: "group" as const };
        const piece = { id: accountId, address, text, label: null, replyToId: null, attachments: [] };
        const connection = world.supervisor.connection("irc", accountId);
        return connection?.send(piece, AbortSignal.timeout(60_000)) ?? Promise.resolve(null);
      }),
    );
    for (const result of results) expect(result).toMatchObject({ outcome: "sent" });
    for (const name of Object.keys(accounts)) {
      await ann.until("all lines", () => ann.said(`claw${name}`, "#room").length === 40);
      expect(ann.said(`claw${name}`, "#room").join("\n")).toBe(text);
    }
    for (const status of world.supervisor.status()) expect(status).toMatchObject({ state: "CONNECTED", reconnects: 0 });
  }, 120_000);

  it.concurrent("K14 L6: 200 lines in are handed over in order, each once, and counted", async () => {
    const server = await serve();
    const world = await house({ irc: settings(server.port) });
    await world.until(() => stateOf(world) === "CONNECTED");
    const people = await Promise.all(["ann", "bob", "cid", "dan", "eve"].map((nick) => person(server, nick)));
    await Promise.all(people.map((somebody) => somebody.join("#room")));
    for (const { write, nick } of people.map((somebody) => ({
      write: somebody.write.bind(somebody),
      nick: somebody.nick,
    }))) {
      write(...Array.from({ length: 40 }, (_none, index) => `PRIVMSG #room :${nick} ${index}`));
    }
    await world.until(() => world.received.length === 200);
    for (const { nick } of people) {
      const said = world.received.filter((message) => message.sender.handle === nick).map(messageText);
      expect(said).toEqual(Array.from({ length: 40 }, (_none, index) => `${nick} ${index}`));
    }
    expect(world.supervisor.status()[0]).toMatchObject({ received: 200, errors: 0 });
  }, 120_000);

  it.concurrent("K18 K19: two accounts restarted again and again leave two people on the server", async () => {
    const server = await serve();
    const second = { ...settings(server.port), nick: "paw" };
    const world = await house({ irc: { ...settings(server.port), accounts: { second } } });
    await world.until(() => stateOf(world) === "CONNECTED" && stateOf(world, "second") === "CONNECTED");
    for (let count = 0; count < 5; count += 1) await world.supervisor.restart("irc");
    await world.until(() => stateOf(world) === "CONNECTED" && stateOf(world, "second") === "CONNECTED");
    const ann = await person(server, "ann");
    await ann.join("#room");
    const names =
      / 353 [^:]*:(.*)$/
        .exec(await ann.line(/ 353 /))?.[1]
        ?.split(" ")
        .map((name) => name.replace(/[@_]/g, "")) ?? [];
    expect(names.filter((name) => name !== "ann" && name !== "").toSorted()).toEqual(["claw", "paw"]);
  }, 60_000);
});

function ircAccountAddress(): never {
  throw new Error("a message should be here");
}
