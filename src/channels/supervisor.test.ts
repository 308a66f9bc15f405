import { describe, expect, it } from "vitest";
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import { accountSettings } from "./account-settings.ts";
import { connectTimeoutMs } from "./account-life.ts";
import { fakeManifest, fakeMessage, supervisorWorld } from "./fake-channel.fixture.ts";

const gone = new AppError("CONN_001", "nobody there");
const signal = AbortSignal.timeout(60_000);
const piece = {
  id: "p.0",
  address: { channel: "fake", accountId: "default", chatId: "c", chatKind: "dm" as const },
  text: "hello",
  label: null,
  replyToId: null,
  attachments: [],
};

describe("a look that somebody asks for", () => {
  it("C2: is a round trip now: the age is renewed, and the next look is a full pause away", async () => {
    const world = supervisorWorld();
    await world.supervisor.start();
    await world.clock.advance(limits.channelProbeMs * 0.6);
    expect(world.supervisor.status()[0]?.lastRoundTripAgeMs).toBe(limits.channelProbeMs * 0.6);
    await world.supervisor.probe({});
    expect(world.supervisor.status()[0]?.lastRoundTripAgeMs).toBe(0);
    await world.clock.advance(limits.channelProbeMs * 0.6);
    expect(world.supervisor.status()[0]?.lastRoundTripAgeMs).toBe(limits.channelProbeMs * 0.6);
    await world.supervisor.close();
  });

  it("C2: finds a dead connection at once", async () => {
    const world = supervisorWorld();
    await world.supervisor.start();
    await world.clock.advance(0);
    world.channel.newest.probe = "fails";
    await world.supervisor.probe({ channel: "another" });
    expect(world.supervisor.status()[0]).toMatchObject({ state: "CONNECTED" });
    await world.supervisor.probe({ channel: "fake" });
    expect(world.supervisor.status()[0]).toMatchObject({ state: "RECONNECTING", reason: "no answer" });
    await world.supervisor.close();
  });

  it("C2: waits as long as it is told, and condemns nobody for being slower than that", async () => {
    const world = supervisorWorld();
    await world.supervisor.start();
    await world.clock.advance(0);
    world.channel.newest.probe = "never";
    let looked = false;
    const asked = world.supervisor.probe({ timeoutMs: 500 }).then(() => (looked = true));
    await world.clock.advance(499);
    expect(looked).toBe(false);
    await world.clock.advance(1);
    await asked;
    expect(world.supervisor.status()[0]).toMatchObject({ state: "CONNECTED" });
    await world.supervisor.close();
  });
});

describe("life of an account", () => {
  it("L1: the state of every account is visible, with since when and why", async () => {
    const world = supervisorWorld({
      channels: { fake: { name: "one", accounts: { second: { name: "two", enabled: false } } } },
    });
    await world.supervisor.start();
    await world.clock.advance(0);
    expect(world.supervisor.status()).toEqual([
      expect.objectContaining({
        channel: "fake",
        accountId: "default",
        label: "Fake",
        state: "CONNECTED",
        reason: null,
        lastRoundTripAgeMs: 0,
      }),
      expect.objectContaining({
        accountId: "second",
        state: "DISCONNECTED",
        reason: "switched off in the configuration",
        lastRoundTripAgeMs: null,
      }),
    ]);
    await world.clock.advance(10_000);
    expect(world.supervisor.status()[0]?.lastRoundTripAgeMs).toBe(10_000);
    await world.supervisor.close();
  });

  it("L3: pauses of 1, 2, 4 … 60 s, then given up with one alert", async () => {
    const world = supervisorWorld();
    world.channel.outcome = gone;
    await world.supervisor.start();
    await world.clock.advance(3_600_000);
    const pauses = world.channel.attemptsMs
      .slice(1)
      .map((atMs, index) => (atMs - (world.channel.attemptsMs[index] ?? 0)) / 1_000);
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
    expect(world.supervisor.status()[0]).toMatchObject({
      state: "PERMANENTLY_FAILED",
      reason: "nobody there",
      errors: 11,
    });
    expect(world.lines.filter((line) => line.level === "error")).toHaveLength(1);
    expect(world.path().filter((step) => step.endsWith(">PERMANENTLY_FAILED"))).toHaveLength(1);
    expect(world.clock.pendingTimers).toBe(0);
  });

  it("L4: five failures open the breaker; one attempt after the cool-down; success closes it, failure opens it again", async () => {
    const world = supervisorWorld();
    world.channel.outcome = gone;
    await world.supervisor.start();
    await world.clock.advance(1_000 + 2_000 + 4_000 + 8_000);
    expect(world.supervisor.status()[0]?.state).toBe("ERROR");
    expect(world.channel.attemptsMs).toHaveLength(5);
    await world.clock.advance(15_999);
    expect(world.channel.attemptsMs).toHaveLength(5);
    await world.clock.advance(1);
    expect(world.channel.attemptsMs).toHaveLength(6);
    expect(world.path().slice(-2)).toEqual(["ERROR>RECONNECTING", "RECONNECTING>ERROR"]);
    world.channel.outcome = "connect";
    await world.clock.advance(32_000);
    expect(world.supervisor.status()[0]).toMatchObject({ state: "CONNECTED", reconnects: 1 });
    // Only a probe that succeeded proves it; from then on the count begins anew.
    await world.clock.advance(30_000);
    world.channel.newest.link.lost(gone);
    expect(world.supervisor.status()[0]?.state).toBe("RECONNECTING");
    await world.supervisor.close();
  });

  it("L4: a connection that is accepted and dropped at once does not pass for a recovery", async () => {
    const world = supervisorWorld();
    await world.supervisor.start();
    await world.clock.advance(0);
    for (let count = 0; count < 11; count += 1) {
      // As far as the next attempt, and no further: a probe that succeeded would prove it well.
      while (world.supervisor.status()[0]?.state !== "CONNECTED") await world.clock.advance(world.clock.nextDueMs ?? 0);
      world.channel.newest.link.lost(gone);
    }
    expect(world.supervisor.status()[0]?.state).toBe("PERMANENTLY_FAILED");
    expect(world.path()).toContain("CONNECTED>ERROR");
  });

  it("L5: a connection that stops answering without a word is replaced within 60 s", async () => {
    for (const offsetMs of [0, 1, 15_000, 29_999]) {
      const world = supervisorWorld();
      await world.supervisor.start();
      await world.clock.advance(90_000 + offsetMs);
      world.channel.newest.probe = "never";
      await world.clock.advance(60_000);
      expect(world.path()).toContain("CONNECTED>RECONNECTING");
      expect(world.channel.connections).toHaveLength(2);
      expect(world.channel.alive).toHaveLength(1);
      await world.supervisor.close();
    }
  });

  it("L5: health is the age of the last round trip, not of the configuration", async () => {
    const world = supervisorWorld();
    await world.supervisor.start();
    await world.clock.advance(600_000);
    expect(world.supervisor.status()[0]?.lastRoundTripAgeMs).toBe(0);
    await world.clock.advance(12_345);
    expect(world.supervisor.status()[0]?.lastRoundTripAgeMs).toBe(12_345);
    await world.supervisor.connection("fake", "default")?.send(piece, signal);
    expect(world.supervisor.status()[0]?.lastRoundTripAgeMs).toBe(0);
    await world.supervisor.close();
  });

  it("L6: counts what came in, went out and went wrong", async () => {
    const world = supervisorWorld();
    await world.supervisor.start();
    await world.clock.advance(0);
    const { link } = world.channel.newest;
    for (const id of ["1", "2", "3"]) await link.receive(fakeMessage(id));
    const connection = world.supervisor.connection("fake", "default");
    await connection?.send(piece, signal);
    await connection?.send({ ...piece, text: "fail" }, signal);
    expect(world.supervisor.status()[0]).toMatchObject({ received: 3, sent: 1, errors: 1, reconnects: 0 });
    await world.supervisor.close();
  });

  it("gives up at once on wrong credentials and on settings that do not fit, and says why", async () => {
    const world = supervisorWorld({ channels: { fake: { name: "one", accounts: { bad: { name: 7 } } } } });
    world.channel.outcome = new AppError("CONN_002", "wrong token");
    await world.supervisor.start();
    await world.clock.advance(3_600_000);
    expect(world.channel.attemptsMs).toHaveLength(1);
    expect(world.supervisor.status()).toEqual([
      expect.objectContaining({ accountId: "default", state: "PERMANENTLY_FAILED", reason: "wrong token" }),
      expect.objectContaining({
        accountId: "bad",
        state: "PERMANENTLY_FAILED",
        reason: expect.stringContaining("channels.fake.accounts.bad.name"),
      }),
    ]);
  });

  it("an attempt that hangs is called off and counts as a failure", async () => {
    const world = supervisorWorld();
    world.channel.outcome = "hang";
    await world.supervisor.start();
    await world.clock.advance(connectTimeoutMs);
    expect(world.supervisor.status()[0]).toMatchObject({ state: "RECONNECTING", errors: 1 });
    await world.supervisor.close();
  });

  it("a platform that names a longer pause is obeyed", async () => {
    const world = supervisorWorld();
    world.channel.outcome = new AppError("CONN_003", "slow down", { retryAfterMs: 45_000 });
    await world.supervisor.start();
    await world.clock.advance(44_999);
    expect(world.channel.attemptsMs).toHaveLength(1);
    await world.clock.advance(1);
    expect(world.channel.attemptsMs).toHaveLength(2);
    await world.supervisor.close();
  });

  it("F5: one event for each transition and none for none", async () => {
    const world = supervisorWorld();
    await world.supervisor.start();
    await world.supervisor.start();
    await world.clock.advance(300_000);
    world.channel.newest.link.lost(gone);
    world.channel.newest.link.lost(gone);
    await world.clock.advance(300_000);
    await world.supervisor.stop("fake");
    await world.supervisor.stop("fake");
    await world.supervisor.close();
    expect(world.path()).toEqual([
      "DISCONNECTED>CONNECTING",
      "CONNECTING>CONNECTED",
      "CONNECTED>RECONNECTING",
      "RECONNECTING>CONNECTED",
      "CONNECTED>DISCONNECTED",
    ]);
  });
});

describe("what an operator may do", () => {
  it("K18: restarted 100 times, one connection is alive and each of the others was closed", async () => {
    const world = supervisorWorld();
    await world.supervisor.start();
    // Taken off its object, as a table of handlers does: it must not depend on how it is called.
    const { restart } = world.supervisor;
    for (let count = 0; count < 100; count += 1) {
      await restart.call(world.supervisor, "fake");
      if (count % 3 === 0) await world.clock.advance(1);
    }
    await world.clock.advance(0);
    expect(world.supervisor.status()[0]?.state).toBe("CONNECTED");
    expect(world.channel.alive).toEqual([world.channel.newest]);
    expect(world.channel.connections.length).toBeGreaterThan(30);
    await world.supervisor.close();
    expect(world.channel.alive).toEqual([]);
    expect(world.clock.pendingTimers).toBe(0);
  });

  it("K18: a new connection never waits for the end of an old one", async () => {
    const world = supervisorWorld();
    world.channel.closes = "never";
    await world.supervisor.start();
    await world.clock.advance(0);
    world.channel.closes = "at once";
    await world.supervisor.restart("fake");
    await world.clock.advance(0);
    expect(world.channel.connections).toHaveLength(2);
    expect(world.supervisor.status()[0]?.state).toBe("CONNECTED");
    await world.clock.advance(5_000);
    expect(world.lines.some((line) => line.message.includes("left behind"))).toBe(true);
    await world.supervisor.close();
  });

  it("K18: stop ends it and it stays ended; start brings it back", async () => {
    const world = supervisorWorld();
    await world.supervisor.start();
    await world.clock.advance(0);
    await world.supervisor.stop("fake", "default");
    await world.clock.advance(3_600_000);
    expect(world.supervisor.status()[0]?.state).toBe("DISCONNECTED");
    expect(world.supervisor.connection("fake", "default")).toBeNull();
    await world.supervisor.start("fake");
    await world.clock.advance(0);
    expect(world.supervisor.status()[0]?.state).toBe("CONNECTED");
    await world.supervisor.close();
  });

  it("K18: stop in the middle of an attempt leaves no connection behind", async () => {
    const world = supervisorWorld();
    await world.supervisor.start();
    const stopped = world.supervisor.stop("fake");
    await world.clock.advance(10_000);
    await stopped;
    expect(world.supervisor.status()[0]?.state).toBe("DISCONNECTED");
    expect(world.channel.alive).toEqual([]);
  });

  it("K18: logout closes it and lets the channel forget", async () => {
    const world = supervisorWorld();
    await world.supervisor.start();
    await world.clock.advance(0);
    await world.supervisor.logout("fake");
    expect(world.channel.forgotten).toEqual(["default"]);
    expect(world.supervisor.status()[0]).toMatchObject({ state: "DISCONNECTED", reason: "logged out" });
  });

  it("starts again what had been given up", async () => {
    const world = supervisorWorld();
    world.channel.outcome = new AppError("CONN_002", "wrong token");
    await world.supervisor.start();
    await world.clock.advance(0);
    world.channel.outcome = "connect";
    await world.supervisor.start("fake");
    await world.clock.advance(0);
    expect(world.supervisor.status()[0]?.state).toBe("CONNECTED");
    await world.supervisor.close();
  });

  it("names what does not exist or is switched off", async () => {
    const world = supervisorWorld({ channels: { fake: { name: "one", enabled: false } } });
    await expect(world.supervisor.restart("nosuch")).rejects.toMatchObject({ code: "RPC_007" });
    await expect(world.supervisor.stop("fake", "nosuch")).rejects.toMatchObject({ code: "RPC_007" });
    await expect(world.supervisor.start("fake")).rejects.toMatchObject({ code: "RPC_003" });
    await world.supervisor.close();
    await expect(world.supervisor.start()).rejects.toMatchObject({ code: "SYS_007" });
  });
});

describe("what a connection may do", () => {
  it("a replaced connection is heard no more and sends nothing", async () => {
    const world = supervisorWorld();
    await world.supervisor.start();
    await world.clock.advance(0);
    const old = world.channel.newest;
    const oldConnection = world.supervisor.connection("fake", "default");
    await world.supervisor.restart("fake");
    await world.clock.advance(0);
    expect(await old.link.receive(fakeMessage("late"))).toEqual({ outcome: "unavailable" });
    old.link.lost(gone);
    expect(world.supervisor.status()[0]?.state).toBe("CONNECTED");
    expect(world.received).toEqual([]);
    expect(await oldConnection?.send(piece, signal)).toMatchObject({ outcome: "not-sent" });
    await world.supervisor.close();
  });

  it("a door that fails is told to the channel as unavailable, never as an exception", async () => {
    const world = supervisorWorld({ receive: () => Promise.reject(new AppError("STORE_002", "full")) });
    await world.supervisor.start();
    await world.clock.advance(0);
    expect(await world.channel.newest.link.receive(fakeMessage("1"))).toEqual({ outcome: "unavailable" });
    await world.supervisor.close();
  });

  it("delivery is told each time a connection comes up, and a listener that throws harms nobody", async () => {
    const world = supervisorWorld();
    const ready: string[] = [];
    world.supervisor.onReady(() => {
      throw new AppError("SYS_001", "bad listener");
    });
    world.supervisor.onReady((channel, accountId) => void ready.push(`${channel}/${accountId}`));
    await world.supervisor.start();
    await world.clock.advance(0);
    world.channel.newest.link.lost(gone);
    await world.clock.advance(1_000);
    expect(ready).toEqual(["fake/default", "fake/default"]);
    await world.supervisor.close();
  });

  it("what an account remembers is there for its next connection, and for no other account", async () => {
    const world = supervisorWorld({ channels: { fake: { name: "one", accounts: { a: { name: "a" } } } } });
    await world.supervisor.start();
    await world.clock.advance(0);
    const [first, other] = world.channel.connections;
    await first?.link.memory.put("offset", 41);
    expect(await other?.link.memory.get("offset")).toBeUndefined();
    await world.supervisor.restart("fake", first?.account.accountId);
    await world.clock.advance(0);
    expect(world.channel.newest).not.toBe(first);
    expect(await world.channel.newest.link.memory.get("offset")).toBe(41);
    await world.supervisor.close();
  });

  it("what a connection mounted is gone with it, and cannot come back", async () => {
    const world = supervisorWorld();
    await world.supervisor.start();
    await world.clock.advance(0);
    const { link } = world.channel.newest;
    link.webhooks.mount("/hook", () => Promise.resolve({ status: 200 }));
    expect(world.webhooks.mounted("/hook")).toBe(true);
    link.lost(gone);
    expect(world.webhooks.mounted("/hook")).toBe(false);
    link.webhooks.mount("/hook", () => Promise.resolve({ status: 200 }));
    expect(world.webhooks.mounted("/hook")).toBe(false);
    await world.supervisor.close();
  });

  it("an attempt that failed leaves no path mounted", async () => {
    const world = supervisorWorld();
    world.channel.outcome = "hang";
    world.channel.beforeOutcome = ({ webhooks }) =>
      void webhooks.mount("/hook", () => Promise.resolve({ status: 200 }));
    await world.supervisor.start();
    await world.clock.advance(0);
    expect(world.webhooks.mounted("/hook")).toBe(true);
    await world.clock.advance(connectTimeoutMs);
    expect(world.webhooks.mounted("/hook")).toBe(false);
    await world.supervisor.close();
  });

  it("a note stands in the status until it is taken back or the connection is gone", async () => {
    const world = supervisorWorld();
    await world.supervisor.start();
    await world.clock.advance(0);
    world.channel.newest.link.note?.("not in #room");
    expect(world.supervisor.status()[0]).toMatchObject({ state: "CONNECTED", reason: "not in #room" });
    world.channel.newest.link.note?.(null);
    expect(world.supervisor.status()[0]?.reason).toBeNull();
    await world.supervisor.close();
  });
});

describe("a changed configuration", () => {
  it("lets an account run whose problem was another account's", async () => {
    const identified = { ...fakeManifest, identity: "name" };
    const settings = (name: string) =>
      accountSettings({ fake: { name, accounts: { a: { name: "a" } } } }, [identified]);
    const world = supervisorWorld({ channels: {} });
    await world.supervisor.reconfigure(settings("a"));
    await world.supervisor.start();
    await world.clock.advance(0);
    expect(world.supervisor.status().map(({ state }) => state)).toEqual(["CONNECTED", "PERMANENTLY_FAILED"]);
    await world.supervisor.reconfigure(settings("other"));
    await world.clock.advance(0);
    expect(world.supervisor.status().map(({ state }) => state)).toEqual(["CONNECTED", "CONNECTED"]);
    await world.supervisor.close();
  });

  it("touches only the accounts whose settings changed", async () => {
    const before = { fake: { name: "one", accounts: { a: { name: "a" }, b: { name: "b" } } } };
    const after = { fake: { name: "one", accounts: { b: { name: "changed" }, c: { name: "c" } } } };
    const world = supervisorWorld({ channels: before });
    await world.supervisor.start();
    await world.clock.advance(0);
    const kept = world.channel.connections[0];
    await world.supervisor.reconfigure(accountSettings(after, [fakeManifest]));
    await world.clock.advance(0);
    expect(world.channel.alive.map((connection) => connection.account.config.name)).toEqual(["one", "changed", "c"]);
    expect(world.channel.alive[0]).toBe(kept);
    expect(
      world.supervisor
        .status()
        .map((status) => status.accountId)
        .toSorted(),
    ).toEqual(["b", "c", "default"]);
    await world.supervisor.close();
  });
});
