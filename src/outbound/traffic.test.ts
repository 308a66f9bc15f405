import { describe, expect, it } from "vitest";
import type { SendOutcome } from "../channels/contract.ts";
import { AppError } from "../domain/app-error.ts";
import { deliveryMarkOf } from "../domain/delivery-mark.ts";
import type { FailpointName } from "../platform/failpoints.ts";
import { address, crash, lost, openWorld, passTime, type World } from "./delivery-world.fixture.ts";
import { repeatLabel } from "./part/render-part.ts";

/** The most messages that came in any second. */
function busiestSecond(world: World): number {
  const atMs = [...world.platform.messages.values()].map((shown) => shown.atMs);
  return Math.max(...atMs.map((from) => atMs.filter((at) => at >= from && at < from + 1_000).length));
}

describe("what a platform allows", () => {
  it("L7: of many chats no second sees more than the account may, and all are sent", async () => {
    const world = await openWorld({ manifest: { messagesPerSecond: 5 } });
    await world.delivery.start();
    for (let index = 0; index < 24; index += 1) await world.put(`m${index}`, "hello", { chatId: `#${index}` });
    await passTime(world, () => world.platform.seen.length === 24, 50);
    expect(busiestSecond(world)).toBeLessThanOrEqual(5);
    expect((await world.row("m23"))?.attempts).toBe(1);
  });

  it("L7: each piece of a long text asks for room, without an attempt for the waiting, and in order", async () => {
    const messagesPerChat = { groupPerMinute: 3 };
    const world = await openWorld({ manifest: { messagesPerChat } });
    await world.delivery.start();
    await world.put("long", "1|2|3|4|5|6|7");
    await world.put("next", "8");
    await world.put("other", "elsewhere", { chatId: "#other" });
    await expect.poll(() => world.state("other")).toBe("sent");
    await expect.poll(async () => (await world.row("long"))?.chunksSent).toBe(3);
    await expect.poll(() => world.state("long")).toBe("prepared");
    expect((await world.row("long"))?.attempts).toBe(0);
    await passTime(world, async () => (await world.state("next")) === "sent", 1_000);
    expect(world.platform.texts().filter((text) => text !== "elsewhere")).toEqual([..."12345678"]);
    const inRoom = [...world.platform.messages.values()].filter(({ text }) => text !== "elsewhere");
    for (const { atMs: from } of inRoom) {
      expect(inRoom.filter(({ atMs }) => atMs >= from && atMs < from + 60_000).length).toBeLessThanOrEqual(3);
    }
  });

  it("L7: a 429 silences its chat for as long as it says, and no other", async () => {
    const world = await openWorld();
    const tooMuch = new AppError("CONN_003", "Too Many Requests", { retryAfterMs: 9_000 });
    world.platform.answers.push((): SendOutcome => ({ outcome: "not-sent", error: tooMuch }));
    await world.delivery.start();
    await world.put("a", "first");
    await expect.poll(async () => (await world.row("a"))?.attempts).toBe(1);
    await world.put("b", "elsewhere", { chatId: "#other" });
    await expect.poll(() => world.state("b")).toBe("sent");
    const startMs = world.clock.nowMs();
    await passTime(world, async () => (await world.state("a")) === "sent", 500);
    expect(world.clock.nowMs() - startMs).toBeGreaterThanOrEqual(8_500);
  });
});

describe("a platform that hangs", () => {
  it("takes no place of another account's, however many chats wait there", async () => {
    const world = await openWorld();
    world.accountIds = ["default", "other"];
    await world.delivery.start();
    const gate = Promise.withResolvers<SendOutcome>();
    world.platform.answers.push(...Array.from({ length: 64 }, () => () => gate.promise));
    for (let chat = 0; chat < 70; chat += 1) await world.put(`hangs ${chat}`, "x", { chatId: `c${chat}` });
    await expect.poll(() => world.platform.answers.length).toBe(0);
    await world.put("a", "hello", { address: { ...address("#room"), accountId: "other" } });
    await expect.poll(() => world.state("a")).toBe("sent");
    expect((await world.store.outbox.counts()).sending).toBe(64);
    gate.resolve({ outcome: "sent", platformMessageId: "late" });
  });
});

describe("pauses between the parts of one answer", () => {
  it("N14: lie in their range, and a part of another answer does not wait", async () => {
    const world = await openWorld({ settings: { humanDelay: { minMs: 2_000, maxMs: 2_000 } } });
    await world.delivery.start();
    for (const id of ["a", "b", "c"]) await world.put(id, id, { runId: "r1" });
    await world.put("x", "x", { runId: "r2", chatId: "#other" });
    await expect.poll(() => world.state("x")).toBe("sent");
    await passTime(world, async () => (await world.state("c")) === "sent", 100);
    const [a, b, c] = [...world.platform.messages.values()].filter(({ text }) => text !== "x").map(({ atMs }) => atMs);
    for (const pauseMs of [b! - a!, c! - b!]) {
      expect(pauseMs).toBeGreaterThanOrEqual(2_000);
      expect(pauseMs).toBeLessThan(2_000 + 1_500);
    }
  });

  it("N14: are off where nobody asked for them", async () => {
    const world = await openWorld();
    await world.delivery.start();
    for (const id of ["a", "b", "c"]) await world.put(id, id, { runId: "r1" });
    await expect.poll(() => world.state("c")).toBe("sent");
    expect(world.clock.monotonicMs()).toBe(0);
  });
});

describe("a turn that is stopped", () => {
  it("N1, N2: what is on its way ends, the rest is not sent, and the transcript says how much was seen", async () => {
    const world = await openWorld();
    await world.store.sessions.open("s", "main", { sessionId: "one", atMs: world.clock.nowMs() });
    const gate = Promise.withResolvers<void>();
    world.platform.answers.push(
      (piece) => world.platform.take(piece),
      async (piece) => (await gate.promise, world.platform.take(piece)),
    );
    await world.delivery.start();
    await world.put("a", "1|2|3|4", { runId: "r1" });
    await world.put("b", "more of it", { runId: "r1" });
    await world.put("held", "and this", { runId: "r1", state: "held" });
    await world.put("c", "another turn", { runId: "r2" });
    await expect.poll(() => world.platform.answers.length).toBe(0);
    await world.delivery.abort("r1", "somebody asked for it");
    expect(await world.row("b")).toMatchObject({ state: "failed", error: { code: "RUN_001" } });
    expect(await world.state("held")).toBe("failed");
    gate.resolve();
    await expect.poll(() => world.state("a")).toBe("failed");
    await expect.poll(() => world.state("c")).toBe("sent");
    expect(world.platform.texts()).toEqual(["1", "2", "another turn"]);
    const marks = (await world.store.sessions.transcript("s")).map(({ body }) => deliveryMarkOf(body));
    expect(marks).toContainEqual(
      expect.objectContaining({ partId: "a", state: "failed", piecesSeen: 2, code: "RUN_001" }),
    );
    // What nobody was asked about any more is unread, too: the model is told so.
    expect(marks).toContainEqual(expect.objectContaining({ partId: "held", state: "failed", piecesSeen: 0 }));
  });

  it("N2: what the turn was still writing then is not sent either, until somebody asks for it", async () => {
    const world = await openWorld();
    await world.delivery.start();
    await world.delivery.abort("r1", "stop");
    await world.put("late", "a block", { runId: "r1" });
    await expect.poll(() => world.state("late")).toBe("failed");
    expect(world.platform.texts()).toEqual([]);
    const atMs = world.clock.nowMs();
    await world.store.deadLetters.replay("late", { atMs, expiresMs: atMs + 60_000 });
    world.delivery.wake();
    await expect.poll(() => world.state("late")).toBe("sent");
  });

  it("N2: what had all been sent stays sent, and a doubt is not sent again", async () => {
    const world = await openWorld({ policy: { onDoubt: "hold-and-ask" } });
    const gate = Promise.withResolvers<void>();
    await world.delivery.start();
    world.platform.answers.push(lost, async (piece) => (await gate.promise, world.platform.take(piece)));
    await world.put("doubt", "perhaps", { runId: "r1" });
    await expect.poll(() => world.state("doubt")).toBe("unknown");
    await world.put("last", "whole", { runId: "r1" });
    await expect.poll(() => world.state("last")).toBe("sending");
    await world.delivery.abort("r1", "stop");
    gate.resolve();
    await expect.poll(() => world.state("last")).toBe("sent");
    await expect.poll(() => world.state("doubt")).toBe("failed");
    expect(world.platform.texts()).toEqual(["whole"]);
  });
});

describe("a part that is taken back", () => {
  it("is not taken up while it ends, by a look that began before", async () => {
    const begun = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const world = await openWorld({
      connected: false,
      failpoints: {
        reach: async (name) => {
          if (name !== "before-settle") return;
          begun.resolve();
          await gate.promise;
        },
      },
    });
    await world.delivery.start();
    await world.put("a", "said by another part", { runId: "r1" });
    const taken = world.delivery.withdraw(["a"], new AppError("RUN_001", "taken back"));
    await begun.promise;
    world.connected = true;
    world.delivery.wake();
    await world.put("b", "elsewhere", { chatId: "#other" });
    await expect.poll(() => world.platform.seen.length).toBe(1);
    gate.resolve();
    await taken;
    expect(await world.state("a")).toBe("failed");
    await expect.poll(() => world.state("b")).toBe("sent");
    expect(world.platform.texts()).toEqual(["elsewhere"]);
  });
});

describe("a part whose end could not be written", () => {
  const broken = new AppError("SYS_001", "not a medium's failure");

  it("is in doubt, and its chat goes on: nothing waits for the next start", async () => {
    const world = await openWorld();
    const { settle } = world.store.outbox;
    let refuses = true;
    world.store.outbox.settle = (id, outcome, atMs) => {
      if (!refuses) return settle(id, outcome, atMs);
      refuses = false;
      return Promise.reject(broken);
    };
    await world.delivery.start();
    await world.put("a", "first");
    await world.put("b", "second");
    await passTime(world, async () => (await world.state("b")) === "sent");
    expect(world.platform.texts()).toEqual(["first", `${repeatLabel}first`, "second"]);
  });

  it("is no doubt where nothing of the next piece had left: the medium is waited for", async () => {
    const world = await openWorld({ manifest: { messagesPerSecond: 1 } });
    const { postpone } = world.store.outbox;
    let refusals = 3;
    world.store.outbox.postpone = (id, untilMs) => {
      refusals -= 1;
      return refusals < 0 ? postpone(id, untilMs) : Promise.reject(new AppError("STORE_002", "The disk is full."));
    };
    await world.delivery.start();
    await world.put("a", "one|two");
    await passTime(world, async () => (await world.state("a")) === "sent");
    expect(world.platform.texts()).toEqual(["one", "two"]);
  });
});

describe("a doubt that nobody has decided about yet", () => {
  it("C2: is kept when its turn is stopped or its time is over: whoever replays it says that it may be a repetition", async () => {
    const first = await openWorld();
    await first.delivery.start();
    for (const id of ["stopped", "late"]) {
      first.platform.answers.push((piece) => (first.platform.take(piece), new Promise(() => undefined)));
      await first.put(id, `${id} one|${id} two`, { runId: id, chatId: id });
    }
    await expect.poll(async () => (await first.store.outbox.counts()).sending).toBe(2);
    await crash(first);
    const world = await openWorld({ folder: first.folder, clock: first.clock, connected: false });
    await world.delivery.start();
    await world.delivery.abort("stopped", "somebody asked for it");
    expect(await world.state("stopped")).toBe("failed");
    await world.clock.advance(3_600_000);
    world.connected = true;
    world.delivery.wake();
    await expect.poll(() => world.state("late")).toBe("expired");
    await expect.poll(() => world.state("late.notice")).toBe("sent");
    const atMs = world.clock.nowMs();
    for (const id of ["stopped", "late"])
      expect(await world.store.deadLetters.replay(id, { atMs, expiresMs: atMs + 60_000 })).toBe(true);
    world.delivery.wake();
    for (const id of ["stopped", "late"]) await expect.poll(() => world.state(id)).toBe("sent");
    for (const id of ["stopped", "late"])
      expect(world.platform.texts()).toEqual(expect.arrayContaining([`${repeatLabel}${id} one`, `${id} two`]));
  });
});

describe("failpoints", () => {
  it("are reached in the order of a part's way", async () => {
    const reached: FailpointName[] = [];
    const failpoints = { reach: (name: FailpointName) => Promise.resolve(void reached.push(name)) };
    const world = await openWorld({ failpoints });
    world.platform.answers.push(lost);
    await world.delivery.start();
    await world.put("a", "hello");
    await expect.poll(() => world.state("a")).toBe("sent");
    const [, ...afterDoubt] = ["before-send", "before-settle", "settled", "doubt-decided", "before-settle", "settled"];
    const again = ["before-send", "platform-accepted", "before-settle", "settled"];
    expect(reached).toEqual(["before-send", ...afterDoubt, ...again]);
  });

  it("M11: nothing leaves before its row says so", async () => {
    const states: (string | undefined)[] = [];
    const world: World = await openWorld({
      failpoints: {
        reach: async (name) => {
          if (name === "before-send") states.push(`${await world.state("a")} ${world.platform.seen.length}`);
        },
      },
    });
    await world.delivery.start();
    await world.put("a", "hello");
    await expect.poll(() => world.state("a")).toBe("sent");
    expect(states).toEqual(["sending 0"]);
  });
});
