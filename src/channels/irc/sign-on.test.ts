import { afterEach, describe, expect, it } from "vitest";
import { connect, RecordingLink, thrown } from "../conformance/session.ts";
import type { ChannelConnection } from "../contract.ts";
import { FakeIrcServer, type FakeServerOptions } from "./fake-server.fixture.ts";
import { irc } from "./index.ts";
import { Person } from "./person.fixture.ts";
import { ircAccount, ircHarness, password } from "./platform.fixture.ts";

const context = { module: irc, harness: ircHarness(() => 0, []) };
const opened: (() => Promise<void> | void)[] = [];

async function serve(options: FakeServerOptions = {}): Promise<FakeIrcServer> {
  const server = await FakeIrcServer.start({ password, ...options });
  opened.push(() => server.close());
  return server;
}

async function signOn(
  server: FakeIrcServer,
  settings: Readonly<Record<string, unknown>> = {},
  link?: RecordingLink,
): Promise<ChannelConnection> {
  const connection = await connect(context, ircAccount({ port: server.port, nick: "claw", settings }), link);
  opened.push(() => connection.close());
  return connection;
}

async function person(server: FakeIrcServer, nick: string): Promise<Person> {
  const somebody = await Person.connect({ port: server.port, nick, password });
  opened.push(() => somebody.close());
  return somebody;
}

afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

describe("signing on", () => {
  it("K14: a nick in use is followed by a variation of it", async () => {
    const server = await serve();
    for (const nick of ["claw", "claw_"]) await person(server, nick);
    await signOn(server);
    expect(server.find("claw__")).toBeDefined();
  });

  it("K14: on a server with short nicks the variations get shorter, and the wish is not given up for good", async () => {
    const server = await serve({ nickLength: 9 });
    await person(server, "clawclaw9");
    const connection = await connect(context, ircAccount({ port: server.port, nick: "clawclaw9" }));
    expect([...server.clients].map((client) => client.nick)).toContainEqual(expect.stringMatching(/^clawc\d{3}$/));
    await connection.close();
  });

  it("K14: the wanted nick is taken again as soon as it is seen to be free", async () => {
    const server = await serve();
    const holder = await person(server, "claw");
    await holder.join("#room");
    await signOn(server, { channels: ["#room"] });
    expect(server.find("claw_")).toBeDefined();
    const watcher = await person(server, "watcher");
    holder.write("QUIT :bye");
    await watcher.line(/^:claw_!\S+ NICK :?claw$/);
  });

  it("a nick that the server refuses is a mistake in the settings", async () => {
    const server = await serve({ nickLength: 3 });
    expect(await thrown(signOn(server))).toMatchObject({
      code: "CONN_002",
      message: expect.stringContaining("refuses the nick"),
    });
  });

  it("a server that bans us is not asked again", async () => {
    const server = await serve({
      refuse: (command) => (command === "USER" ? [":irc.example.net 465 * :You are banned"] : null),
    });
    expect(await thrown(signOn(server))).toMatchObject({ code: "CONN_002" });
    const lined = await serve({
      refuse: (command) => (command === "USER" ? ["ERROR :Closing Link: claw (K-lined)"] : null),
    });
    const attempt = thrown(signOn(lined));
    await waitFor(() => lined.clients.size > 0);
    setTimeout(() => [...lined.clients].forEach((client) => client.socket.end()), 50);
    expect(await attempt).toMatchObject({ code: "CONN_002" });
  });

  it("a server that is only too busy is asked again", async () => {
    const server = await serve({
      refuse: (command) => (command === "USER" ? ["ERROR :Closing Link: (Too many connections)"] : null),
    });
    const attempt = thrown(signOn(server));
    await waitFor(() => server.clients.size > 0);
    setTimeout(() => [...server.clients].forEach((client) => client.socket.end()), 50);
    expect(await attempt).toMatchObject({ code: "CONN_001", retry: "later" });
  });

  it("K14: it waits for the server's welcome, however long the rest takes", async () => {
    const server = await serve({
      refuse: (command, _params, nick) => (command === "PING" && nick === "claw" ? [] : null),
    });
    let done = false;
    const attempt = signOn(server, { channels: ["#room"] }).then(() => (done = true));
    const watcher = await person(server, "watcher");
    await waitFor(() => server.heard.some((line) => line.startsWith("PING")));
    await watcher.settled();
    expect(done).toBe(false);
    const token = server.heard.find((line) => line.startsWith("PING"))?.slice(5) ?? "";
    server.raw("claw", `:irc.example.net PONG irc.example.net :${token}`);
    await attempt;
  });
});

describe("what does not count as a welcome", () => {
  it("K14: the end of a message of the day before the welcome", async () => {
    const server = await serve({
      refuse: (command) => (command === "USER" ? [":irc.example.net 376 * :End of /MOTD"] : null),
    });
    const abort = new AbortController();
    const attempt = thrown(
      irc.connect(ircAccount({ port: server.port, nick: "claw" }), new RecordingLink(), abort.signal),
    );
    await waitFor(() => [...server.clients].some((client) => client.commands.includes("USER")));
    // Had it been taken for a welcome, the rooms and the first PING would follow now.
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect([...server.clients].flatMap((client) => client.commands)).not.toContain("PING");
    abort.abort();
    await attempt;
  });
});

describe("capabilities and SASL", () => {
  const sasl = { mechanism: "PLAIN", account: "claw", password: "p w:ö" };
  const accounts = { claw: sasl.password };

  it("K14: SASL PLAIN proves the account before anything is joined", async () => {
    const server = await serve({ capabilities: ["sasl=PLAIN,EXTERNAL", "server-time"], accounts });
    await signOn(server, { sasl });
    expect(server.find("claw")?.account).toBe("claw");
    expect([...(server.find("claw")?.capabilities ?? [])].toSorted()).toEqual(["sasl", "server-time"]);
  });

  it("K14: a wrong SASL password is CONN_002", async () => {
    const server = await serve({ capabilities: ["sasl"], accounts: { claw: "other" } });
    expect(await thrown(signOn(server, { sasl }))).toMatchObject({
      code: "CONN_002",
      message: expect.stringContaining("SASL"),
    });
  });

  it("K14: without SASL on offer it does not go on as a stranger", async () => {
    const server = await serve({ capabilities: ["server-time"] });
    expect(await thrown(signOn(server, { sasl }))).toMatchObject({
      code: "CONN_001",
      message: expect.stringContaining("does not offer SASL"),
    });
    expect(server.find("claw")).toBeUndefined();
    const other = await serve({ capabilities: ["sasl=SCRAM-SHA-256"] });
    expect(await thrown(signOn(other, { sasl }))).toMatchObject({ code: "CONN_001" });
  });

  it("a password of any length is cut as the specification says", async () => {
    for (const length of [280, 293, 294, 295, 594, 800]) {
      const long = { ...sasl, password: "x".repeat(length) };
      const chunks: string[] = [];
      const server = await serve({
        capabilities: ["sasl"],
        refuse: (command, params) => {
          const word = params[0] ?? "";
          if (command !== "AUTHENTICATE" || word === "PLAIN") return null;
          chunks.push(word);
          return word.length === 400 ? [] : [":irc.example.net 903 claw :ok"];
        },
      });
      await signOn(server, { sasl: long });
      const whole = chunks.filter((chunk) => chunk !== "+").join("");
      expect(Buffer.from(whole, "base64").toString()).toBe(`\0claw\0${long.password}`);
      expect(chunks.at(-1)?.length).toBeLessThan(400);
    }
  });

  it("a mark for bots is worn where the network has one", async () => {
    const server = await serve({ supports: ["BOT=B"] });
    await signOn(server);
    expect(server.heard).toContain("MODE claw +B");
  });

  it("SASL EXTERNAL without TLS is a mistake in the settings", async () => {
    const server = await serve();
    expect(await thrown(signOn(server, { sasl: { mechanism: "EXTERNAL" } }))).toMatchObject({ code: "CONN_002" });
  });
});

/** Waits for the server's side of a conversation, which has no event of its own. */
async function waitFor(isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error("waited in vain");
    await new Promise((resolve) => setImmediate(resolve));
  }
}
