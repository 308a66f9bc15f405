import { afterEach, describe, expect, it } from "vitest";
import { judgeAdmission } from "../../domain/admission-policy.ts";
import { messageText } from "../../domain/message.ts";
import type { Clock, Timer } from "../../platform/clock.ts";
import { RecordingLink, connect, soon } from "../conformance/session.ts";
import type { ChannelConnection, ChannelLink, OutboundPiece } from "../contract.ts";
import { FakeClock } from "../../platform/fake-clock.ts";
import { admissionPolicyOf } from "../policy-config.ts";
import { FakeIrcServer, type FakeServerOptions } from "./fake-server.fixture.ts";
import { irc } from "./index.ts";
import { manifest } from "./manifest.ts";
import { Person } from "./person.fixture.ts";
import { ircAccount, ircHarness } from "./platform.fixture.ts";
import { confirmTimeoutMs } from "./outbound.ts";
import { rejoinBaseMs } from "./rooms.ts";

const context = { module: irc, harness: ircHarness(() => 0, []) };
const opened: (() => Promise<void> | void)[] = [];
const everything = ["server-time", "message-tags", "account-tag", "echo-message", "batch", "labeled-response"];

interface World {
  readonly server: FakeIrcServer;
  readonly ann: Person;
  readonly link: RecordingLink & { readonly notes: (string | null)[] };
  readonly connection: ChannelConnection;
}

async function world(
  options: FakeServerOptions = {},
  settings: Readonly<Record<string, unknown>> = {},
  clock?: Clock,
): Promise<World> {
  const server = await FakeIrcServer.start(options);
  opened.push(() => server.close());
  const ann = await Person.connect({ port: server.port, nick: "ann" });
  opened.push(() => ann.close());
  await ann.join("#room");
  const notes: (string | null)[] = [];
  const link = Object.assign(new RecordingLink(), {
    notes,
    note: (text: string | null) => void notes.push(text),
    ...(clock === undefined ? {} : { clock }),
  });
  const account = ircAccount({ port: server.port, nick: "claw", rooms: ["#room"], settings });
  const connection = await connect(context, account, link satisfies ChannelLink);
  opened.push(() => connection.close());
  return { server, ann, link, connection };
}

function piece(chatId: string, text: string, replyToId: string | null = null): OutboundPiece {
  const chatKind = chatId.startsWith("#") ? "group" : "dm";
  return {
    id: "p.0",
    address: { channel: "irc", accountId: "claw", chatId, chatKind },
    text,
    label: null,
    replyToId,
    attachments: [],
  };
}

afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

describe("what became of a send", () => {
  it("K14: with labels and echoes the server's own id comes back, without a PING", async () => {
    const { connection, server } = await world({ capabilities: everything });
    const pings = server.heard.filter((line) => line.startsWith("PING")).length;
    const result = await connection.send(piece("#room", "hello"), soon());
    expect(result).toEqual({ outcome: "sent", platformMessageId: expect.stringMatching(/^m\d+$/) });
    expect(server.heard.filter((line) => line.startsWith("PING"))).toHaveLength(pings);
  });

  it("K14: an echo without labels still gives the id; no echo gives none", async () => {
    const echoing = await world({ capabilities: ["message-tags", "echo-message"] });
    expect(await echoing.connection.send(piece("#room", "hello"), soon())).toMatchObject({
      platformMessageId: expect.stringMatching(/^m\d+$/),
    });
    const plain = await world();
    expect(await plain.connection.send(piece("#room", "hello"), soon())).toEqual({
      outcome: "sent",
      platformMessageId: null,
    });
  });

  it("K14: what somebody else says while a line waits for its answer is not taken for its echo", async () => {
    const { connection, server, link } = await world({ capabilities: ["message-tags"] });
    server.options = { ...server.options, refuse: (command) => (command === "PING" ? [] : null) };
    const sending = connection.send(piece("#room", "hello"), soon());
    await until(() => /^PRIVMSG\b/.test(server.heard.at(-2) ?? "") && /^PING\b/.test(server.heard.at(-1) ?? ""));
    server.raw("claw", "@msgid=hers :ann!~ann@host.example PRIVMSG #room :good morning");
    const token = server.heard.at(-1)?.split(" ")[1] ?? "";
    server.raw("claw", `:irc.example.net PONG irc.example.net ${token}`);
    expect(await sending).toEqual({ outcome: "sent", platformMessageId: null });
    server.raw("claw", "@msgid=reply;+draft/reply=hers :bob!~bob@host.example PRIVMSG #room :and to you");
    await until(() => link.received.length === 2);
    expect(link.received.map(({ mentions }) => mentions.self)).toEqual([false, false]);
  });

  it("K14: a refusal is not sent, with the server's words, labelled or not", async () => {
    for (const capabilities of [[], everything]) {
      const refuse: FakeServerOptions["refuse"] = (command, params, nick) =>
        command === "PRIVMSG" && params[1] === "bad"
          ? [`:irc.example.net 404 ${nick} ${params[0] ?? ""} :Cannot send to channel`]
          : null;
      const { connection } = await world({ capabilities, refuse });
      expect(await connection.send(piece("#room", "bad"), soon())).toMatchObject({
        outcome: "not-sent",
        error: { code: "MSG_002", retry: "later", message: expect.stringContaining("Cannot send to channel") },
      });
      expect(await connection.send(piece("#room", "good"), soon())).toMatchObject({ outcome: "sent" });
    }
  });

  it("K14: a server that says slow down is obeyed with its pause", async () => {
    const refuse: FakeServerOptions["refuse"] = (command, params, nick) =>
      command === "PRIVMSG" ? [`:irc.example.net 439 ${nick} ${params[0] ?? ""} :Target change too fast`] : null;
    const { connection } = await world({ refuse });
    expect(await connection.send(piece("#room", "x"), soon())).toMatchObject({
      outcome: "not-sent",
      error: { code: "CONN_003", retryAfterMs: 10_000 },
    });
  });

  it("a labelled answer of several lines is taken whole", async () => {
    const { connection, server } = await world({ capabilities: everything });
    server.options = { ...server.options, refuse: (command) => (command === "PRIVMSG" ? [] : null) };
    const sending = connection.send(piece("#room", "away?"), soon());
    await until(() => server.heard.some((line) => line.includes("away?")));
    const label = /label=([^; ]+)/.exec(server.heard.at(-1) ?? "")?.[1] ?? "";
    server.raw("claw", `@label=${label} :irc.example.net BATCH +b1 labeled-response`);
    server.raw("claw", "@batch=b1;msgid=long1 :claw!~claw@host.example PRIVMSG #room :away?");
    server.raw("claw", "@batch=b1 :irc.example.net 301 claw ann :gone fishing");
    server.raw("claw", ":irc.example.net BATCH -b1");
    expect(await sending).toEqual({ outcome: "sent", platformMessageId: "long1" });
  });

  it("a server that never confirms leaves it in doubt", async () => {
    const clock = new HalfFakeClock();
    const { connection, server } = await world({}, {}, clock);
    server.options = { refuse: (command) => (command === "PING" ? [] : null) };
    const sending = connection.send(piece("#room", "x"), new AbortController().signal);
    await until(() => server.heard.some((line) => line.includes("PRIVMSG")));
    await clock.fake.advance(confirmTimeoutMs);
    expect(await sending).toMatchObject({ outcome: "unknown", error: { code: "CONN_001" } });
  });

  it("J6: an answer carries the id of what it answers, where tags can be sent", async () => {
    const { connection, server } = await world({ capabilities: everything });
    await connection.send(piece("#room", "yes", "q;1"), soon());
    expect(server.heard.at(-1)).toMatch(/^@label=[0-9a-f]+;\+draft\/reply=q\\:1 PRIVMSG #room yes$/);
    const plain = await world();
    await plain.connection.send(piece("#room", "yes", "q1"), soon());
    expect(plain.server.heard).toContain("PRIVMSG #room yes");
  });

  it("K14: no line is longer than 512 bytes with the prefix that the server puts before it", async () => {
    const { connection, ann, server } = await world({}, { nick: "claw", flood: { burst: 50, perSecond: 1_000 } });
    const text = Array.from({ length: 150 }, (_none, index) => `größe${index}`).join(" ");
    expect(await connection.send(piece("#room", text), soon())).toMatchObject({ outcome: "sent" });
    const longest = Math.max(
      ...ann.lines.filter((line) => line.includes("PRIVMSG")).map((line) => Buffer.byteLength(`${line}\r\n`)),
    );
    expect(longest).toBeLessThanOrEqual(512);
    expect(longest).toBeGreaterThan(480);
    expect(ann.said("claw", "#room").join(" ")).toBe(text);
    expect(server.heard.filter((line) => line.startsWith("PRIVMSG")).length).toBeLessThan(5);
  });
});

describe("who is answered", () => {
  it("R065: a direct answer goes to the person who asked, not to whoever took the nick", async () => {
    const { connection, ann, server, link } = await world({ capabilities: ["account-tag", "message-tags"] });
    server.setAccount("ann", "ann");
    await ann.say("claw", "my secret is 42");
    await link.until("the message", ({ received }) => received.length === 1);
    const address = link.received[0]?.address;
    expect(address?.chatId).toBe("ann!account:ann");
    ann.write("NICK bob");
    await ann.settled();
    const thief = await Person.connect({ port: server.port, nick: "ann" });
    opened.push(() => thief.close());
    const result = await connection.send(
      { ...piece("x", "your secret"), address: { ...piece("x", "").address, chatId: "ann!account:ann" } },
      soon(),
    );
    expect(result).toMatchObject({
      outcome: "not-sent",
      error: { retry: "never", message: expect.stringContaining("somebody else") },
    });
    await thief.settled();
    expect(thief.said("claw", "ann")).toEqual([]);
  });

  it("R065: one who takes an allowed nick stays outside; the account's owner under any nick is inside", async () => {
    const { ann, server, link } = await world({ capabilities: ["account-tag", "message-tags"] });
    const config = manifest.configSchema.parse({
      host: "h",
      nick: "claw",
      dmPolicy: "allowlist",
      allowFrom: ["irc:account:Ann", "bob", "irc:ann"],
    });
    const policy = admissionPolicyOf(config, { chatId: "x", prefixes: ["irc"], paired: [] });
    await ann.say("claw", "let me in");
    server.setAccount("ann", "ann");
    ann.write("NICK bob");
    await ann.settled();
    await ann.say("claw", "it is me");
    await link.until("both", ({ received }) => received.length === 2);
    expect(link.received.map((message) => [message.sender.handle, judgeAdmission(message, policy)])).toEqual([
      ["ann", "sender-not-allowed"],
      ["bob", null],
    ]);
    const weak = admissionPolicyOf(manifest.configSchema.parse({ ...rawSettings(config), allowNicks: true }), {
      chatId: "x",
      prefixes: ["irc"],
      paired: [],
    });
    expect(judgeAdmission(link.received[0] ?? shouldExist(), weak)).toBeNull();
  });

  it("R066: a room's name is nobody's id, and nobody's id is a room's name", async () => {
    const { ann, link } = await world();
    await ann.say("claw", "hello");
    await ann.say("#room", "hello");
    await link.until("both", ({ received }) => received.length === 2);
    const ids = link.received.map((message) => [message.sender.id, message.address.chatId]);
    expect(ids).toEqual([
      ["host:~ann@host.example", "ann!host:~ann@host.example"],
      ["host:~ann@host.example", "#room"],
    ]);
    const policy = admissionPolicyOf(
      { groupPolicy: "allowlist", allowFrom: ["#room", "irc:#room"], dmPolicy: "allowlist" },
      { chatId: "#room", prefixes: ["irc"], paired: [] },
    );
    for (const message of link.received) expect(judgeAdmission(message, policy)).toBe("sender-not-allowed");
  });

  it("R070: whatever kind of event carries a person's words comes through the one way in", async () => {
    const { ann, link } = await world({ capabilities: everything });
    ann.write("CAP REQ :message-tags");
    ann.write(
      "PRIVMSG claw :words",
      "PRIVMSG #room :\u0001ACTION waves\u0001",
      "@+draft/react=x;+draft/reply=m1 TAGMSG #room",
    );
    await link.until("all", ({ received }) => received.length === 3);
    expect(link.received.map((message) => message.kind)).toEqual(["message", "message", "reaction"]);
    for (const message of link.received) expect(message.sender.id).toBe("host:~ann@host.example");
  });

  it("somebody who left is not there; a nick that we never saw is asked for", async () => {
    const { connection, ann } = await world();
    expect(await connection.send(piece("ann!host:~ann@host.example", "hello"), soon())).toMatchObject({
      outcome: "sent",
    });
    expect(ann.said("claw", "ann")).toEqual(["hello"]);
    expect(await connection.send(piece("eve!host:~eve@host.example", "hello"), soon())).toMatchObject({
      outcome: "not-sent",
      error: { retry: "later" },
    });
  });
});

describe("rooms", () => {
  it("K14: kicked, it says so and comes back after a pause", async () => {
    const clock = new HalfFakeClock();
    const { server, ann, link } = await world({}, {}, clock);
    server.kick("#room", "claw");
    await until(() => link.notes.length > 0);
    expect(link.notes).toEqual(["not in #room: we were kicked: out"]);
    await clock.fake.advance(rejoinBaseMs - 1);
    await ann.settled();
    expect(ann.lines.filter((line) => /^:claw!\S+ JOIN/.test(line))).toHaveLength(1);
    await clock.fake.advance(1);
    await ann.until("coming back", () => ann.lines.filter((line) => /^:claw!\S+ JOIN/.test(line)).length === 2);
    await until(() => link.notes.length > 1);
    expect(link.notes.at(-1)).toBeNull();
  });

  it("K14: a room that cannot be joined is told, and asked for again with growing pauses", async () => {
    const clock = new HalfFakeClock();
    const refuse: FakeServerOptions["refuse"] = (command, params, nick) =>
      command === "JOIN" && nick === "claw"
        ? [`:irc.example.net 474 ${nick} ${params[0] ?? ""} :Cannot join channel (+b)`]
        : null;
    const { server, link, connection } = await world({ refuse }, {}, clock);
    expect(link.notes).toEqual(["not in #room: Cannot join channel (+b)"]);
    for (const pauseMs of [5_000, 10_000, 20_000]) {
      const tries = server.heard.filter((line) => line === "JOIN #room").length;
      await clock.fake.advance(pauseMs - 1);
      expect(server.heard.filter((line) => line === "JOIN #room")).toHaveLength(tries);
      await clock.fake.advance(1);
      await until(() => server.heard.filter((line) => line === "JOIN #room").length === tries + 1);
      await connection.probe(soon());
    }
  });

  it("a room with a key is joined with it", async () => {
    const { server } = await world({}, { channels: [{ name: "#secret", key: "k1" }] });
    expect(server.heard).toContain("JOIN #secret k1");
  });
});

describe("other programs", () => {
  it("K14: a NOTICE is never answered, a client's query shortly and by NOTICE", async () => {
    const { ann, link } = await world();
    ann.write(
      "NOTICE claw :hello",
      "PRIVMSG claw :\u0001VERSION\u0001",
      "PRIVMSG claw :\u0001VERSION\u0001",
      "PRIVMSG claw :\u0001PING 1\u0001",
    );
    expect(await ann.line(/^:claw!\S+ NOTICE ann /)).toMatch(/NOTICE ann :\u0001VERSION OpenClaw\u0001$/);
    await ann.say("claw", "done");
    await link.until("the message", ({ received }) => received.length === 1);
    expect(link.received.map(messageText)).toEqual(["done"]);
    expect(ann.lines.filter((line) => line.includes(" NOTICE ann "))).toHaveLength(1);
  });

  it("the server's PING is answered at once, also while sends wait for their turn", async () => {
    const { server, connection } = await world({}, { flood: { burst: 1, perSecond: 0.001 } });
    await connection.send(piece("#room", "one"), soon());
    const waiting = connection.send(piece("#room", "two"), AbortSignal.timeout(300));
    server.raw("claw", "PING :are you there");
    await until(() => server.heard.includes("PONG :are you there"));
    expect(await waiting).toMatchObject({ outcome: "not-sent" });
  });

  it("nothing that a server sends ends the process or the connection", async () => {
    const { server, connection, link } = await world({ capabilities: everything });
    const lines = [
      "PING :a\rb",
      "PING",
      ":x NICK",
      "NICK",
      "KICK",
      "CAP",
      ":claw!u@h NICK",
      "001",
      "BATCH",
      "302",
      "311 claw",
      ":claw JOIN",
      "433 claw",
    ];
    for (const line of [
      ...lines,
      ":a\rb!u@h PRIVMSG claw :\u0001VERSION\u0001",
      ":claw!u@h KICK #room claw",
      "PRIVMSG",
      "@;;=;a=\\ PING",
    ])
      server.raw("claw", line);
    await connection.probe(soon());
    expect(link.losses).toEqual([]);
  });

  it("what came before the connection broke is handed over before the loss is told", async () => {
    const { server, link } = await world();
    const order: string[] = [];
    const lost = link.lost.bind(link);
    const receive = link.receive.bind(link);
    link.receive = async (message) => {
      // As slow as a disk that is asked to be sure.
      await new Promise((resolve) => setImmediate(resolve));
      order.push(messageText(message));
      return receive(message);
    };
    link.lost = (error) => {
      order.push("lost");
      lost(error);
    };
    for (const text of ["one", "two", "three"]) server.raw("claw", `:ann!~ann@h PRIVMSG claw :${text}`);
    server.find("claw")?.socket.end();
    await link.until("the loss", ({ losses }) => losses.length === 1);
    expect(order).toEqual(["one", "two", "three", "lost"]);
  });

  it("many rooms are joined with few commands", async () => {
    const rooms = Array.from({ length: 12 }, (_none, index) => `#room${index}`);
    const { server } = await world({}, { channels: rooms });
    expect(server.heard.filter((line) => line.startsWith("JOIN")).map((line) => line.split(",").length)).toEqual([
      1, 5, 5, 2,
    ]);
  });

  it("a KILL is a lost connection, with the server's reason", async () => {
    const { server, link } = await world();
    server.raw("claw", "ERROR :Closing Link: claw (Killed (oper (spam)))");
    server.find("claw")?.socket.end();
    await link.until("the loss", ({ losses }) => losses.length === 1);
    expect(link.losses[0]).toMatchObject({
      code: "CONN_001",
      message: expect.stringContaining("Killed (oper (spam))"),
    });
  });

  it("a capability that the server takes away is not relied on any more", async () => {
    const { server, ann, link } = await world({ capabilities: everything });
    server.setAccount("ann", "ann");
    await ann.say("claw", "one");
    server.raw("claw", ":irc.example.net CAP claw DEL :account-tag");
    await ann.say("claw", "two");
    await link.until("both", ({ received }) => received.length === 2);
    expect(link.received.map((message) => message.sender.id)).toEqual(["account:ann", "host:~ann@host.example"]);
  });
});

/** Real time but for the pauses of rooms and confirmations: sockets keep their pace while a test moves those. */
class HalfFakeClock implements Clock {
  readonly fake = new FakeClock();
  nowMs(): number {
    return this.fake.nowMs();
  }
  monotonicMs(): number {
    return this.fake.monotonicMs();
  }
  after(delayMs: number, callback: () => void): Timer {
    // Closing must end by itself after a test.
    if (delayMs < 2_000) {
      const timer = setTimeout(callback, delayMs);
      return { cancel: () => clearTimeout(timer) };
    }
    return this.fake.after(delayMs, callback);
  }
  every(periodMs: number, callback: () => void | Promise<void>): Timer {
    return this.fake.every(periodMs, callback);
  }
  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return this.fake.sleep(delayMs, signal);
  }
}

async function until(isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error("waited in vain");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function shouldExist(): never {
  throw new Error("a message should be here");
}

function rawSettings(config: {
  readonly host: string;
  readonly nick: string;
  readonly dmPolicy: string;
  readonly allowFrom: readonly string[];
}) {
  const { host, nick, dmPolicy, allowFrom } = config;
  return { host, nick, dmPolicy, allowFrom };
}
