import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { OutboundPiece, SendOutcome } from "../channels/contract.ts";
import { limits } from "../domain/limits.ts";
import { AppError } from "../domain/app-error.ts";
import {
  address,
  busy,
  crash,
  lost,
  openWorld,
  passTime,
  recordPauses,
  takenUnheard,
} from "./delivery-world.fixture.ts";
import { repeatLabel } from "./part/render-part.ts";

describe("delivery", () => {
  it("M12: the second piece is never seen before the first, when the first is tried again", async () => {
    const world = await openWorld();
    world.platform.answers.push(busy, busy);
    await world.delivery.start();
    await world.put("a", "one|two|three");
    await world.put("b", "four");
    await expect.poll(() => world.state("a")).toBe("prepared");
    await expect.poll(async () => (await world.store.outbox.get("a"))?.attempts).toBe(1);
    await passTime(world, () => world.platform.seen.length === 4);
    expect(world.platform.seen.map((piece) => piece.text)).toEqual(["one", "two", "three", "four"]);
  });

  it("M9: a send that fails is tried again after 1, 2 and 4 seconds, then kept as failed, and sent again by hand once", async () => {
    const world = await openWorld();
    const pausesMs = recordPauses(world);
    world.platform.answers.push(...Array.from({ length: 10 }, () => busy));
    await world.delivery.start();
    await world.put("a", "hello");
    await passTime(world, async () => (await world.state("a")) === "failed");
    expect(pausesMs).toEqual([1_000, 2_000, 4_000]);
    expect(world.platform.answers.length).toBe(6);
    world.platform.answers.length = 0;
    const again = { atMs: world.clock.nowMs(), expiresMs: world.clock.nowMs() + 60_000 };
    expect(await world.store.deadLetters.replay("a", again)).toBe(true);
    expect(await world.store.deadLetters.replay("a", again)).toBe(false);
    world.delivery.wake();
    await passTime(world, async () => (await world.state("a")) === "sent");
    expect(world.platform.texts()).toEqual(["hello"]);
    expect(world.events.find((event) => event.type === "message.unsent")).toMatchObject({
      partId: "a",
      state: "failed",
    });
  });

  it("M7 N1: the platform's id of every piece is kept with the part, and told once", async () => {
    const world = await openWorld();
    await world.delivery.start();
    await world.put("a", "one|two|three");
    await expect.poll(() => world.state("a")).toBe("sent");
    expect((await world.store.outbox.get("a"))?.platformMessageIds).toEqual(["p1", "p2", "p3"]);
    const sent = world.events.filter((event) => event.type === "message.sent");
    expect(sent).toMatchObject([{ partId: "a", platformMessageId: "p3", address: address("#room") }]);
  });

  it("N10: whether it is tried again is said by the error's code, whatever its words", async () => {
    const world = await openWorld();
    const attempts = new Map<string, number>();
    const failing =
      (code: "CONN_001" | "CONN_002", words: string) =>
      (piece: OutboundPiece): SendOutcome => {
        attempts.set(piece.text, (attempts.get(piece.text) ?? 0) + 1);
        return { outcome: "not-sent", error: new AppError(code, words) };
      };
    await world.delivery.start();
    world.platform.answers.push(failing("CONN_002", "ECONNRESET: timeout, rate limit, please try again later"));
    await world.put("a", "hopeless");
    await passTime(world, async () => (await world.state("a")) === "failed");
    world.platform.answers.push(failing("CONN_001", "forbidden for ever"));
    await world.put("b", "hopeful");
    await passTime(world, async () => (await world.state("b")) === "sent");
    expect(Object.fromEntries(attempts)).toEqual({ hopeless: 1, hopeful: 1 });
    expect(world.platform.seen.map(({ text }) => text)).toEqual(["hopeful"]);
  });

  it("N9: waits as long as the platform asks, and not as long as it would by itself", async () => {
    const world = await openWorld();
    const attempts: number[] = [];
    world.platform.answers.push(() => {
      attempts.push(world.clock.nowMs());
      return { outcome: "not-sent", error: new AppError("CONN_003", "later", { retryAfterMs: 17_000 }) };
    });
    await world.delivery.start();
    await world.put("a", "hello");
    await passTime(world, async () => (await world.state("a")) === "sent");
    expect(world.clock.nowMs() - (attempts[0] ?? 0)).toBeGreaterThanOrEqual(17_000);
  });

  it("counts no attempt while the account is not connected, and sends when it is", async () => {
    const world = await openWorld();
    world.connected = false;
    await world.delivery.start();
    await world.put("a", "hello");
    await world.clock.advance(30_000);
    expect(await world.store.outbox.get("a")).toMatchObject({ state: "prepared", attempts: 0 });
    world.connected = true;
    world.delivery.wake();
    await expect.poll(() => world.state("a")).toBe("sent");
  });

  it("N11: asks once more whether it may be sent, at the last moment", async () => {
    const world = await openWorld();
    world.refusal = new AppError("SEC_001", "no longer allowed");
    await world.delivery.start();
    await world.put("a", "hello");
    await expect.poll(() => world.state("a")).toBe("failed");
    expect(world.platform.seen).toEqual([]);
  });

  it("M8: says expired of a reply that waited too long, keeps why, and does not send it", async () => {
    const world = await openWorld();
    world.connected = false;
    await world.delivery.start();
    await world.put("a", "old news");
    await world.clock.advance(3_600_001);
    world.connected = true;
    world.delivery.wake();
    await expect.poll(() => world.state("a")).toBe("expired");
    expect(world.platform.seen.map(({ text }) => text)).not.toContain("old news");
    expect(await world.store.outbox.get("a")).toMatchObject({
      reply: { markdown: "old news" },
      error: { code: "MSG_002" },
    });
    expect(world.events.filter((event) => event.type === "message.unsent")).toMatchObject([{ state: "expired" }]);
  });

  it("a chat whose send hangs holds up no other chat", async () => {
    const world = await openWorld();
    const hang = Promise.withResolvers<SendOutcome>();
    world.platform.answers.push(() => hang.promise);
    await world.delivery.start();
    await world.put("a", "slow", { chatId: "#one" });
    await expect.poll(() => world.state("a")).toBe("sending");
    await world.put("b", "fast", { chatId: "#two" });
    await expect.poll(() => world.state("b")).toBe("sent");
    hang.resolve({ outcome: "sent", platformMessageId: null });
    await expect.poll(() => world.state("a")).toBe("sent");
  });
});

describe("a send whose answer was lost", () => {
  it("M4: native: is sent again under the same id", async () => {
    const world = await openWorld({ manifest: { idempotency: "native" } });
    world.platform.answers.push(takenUnheard(world));
    await world.delivery.start();
    await world.put("a", "hello");
    await passTime(world, async () => (await world.state("a")) === "sent");
    expect(new Set(world.platform.seen.map((piece) => piece.id))).toEqual(new Set(["a.0"]));
  });

  it("M4: read-back: is looked for first, and not sent again", async () => {
    const world = await openWorld({ manifest: { idempotency: "read-back" } });
    world.platform.answers.push(takenUnheard(world));
    await world.delivery.start();
    await world.put("a", "one|two");
    await passTime(world, async () => (await world.state("a")) === "sent");
    expect(world.platform.seen.map((piece) => piece.text)).toEqual(["one", "two"]);
  });

  it("read-back: of a part that is half there, the piece in doubt is looked for and not another", async () => {
    const world = await openWorld({ manifest: { idempotency: "read-back" } });
    world.platform.answers.push((piece) => world.platform.take(piece), takenUnheard(world));
    await world.delivery.start();
    await world.put("a", "one|two|three");
    await passTime(world, async () => (await world.state("a")) === "sent");
    expect(world.platform.seen.map((piece) => piece.text)).toEqual(["one", "two", "three"]);
    expect(await world.store.outbox.get("a")).toMatchObject({ platformMessageIds: ["p1", "p2", "p3"], attempts: 2 });
  });

  it("read-back: what never arrives is given up after the attempts that every part has", async () => {
    const world = await openWorld({ manifest: { idempotency: "read-back" } });
    let sends = 0;
    for (let index = 0; index < 50; index += 1) world.platform.answers.push(() => ((sends += 1), lost()));
    await world.delivery.start();
    await world.put("a", "hello");
    await passTime(world, async () => (await world.state("a")) === "failed");
    expect(sends).toBe(4);
  });

  it("read-back: a look that fails is tried again later, and one that hangs holds up no other chat", async () => {
    const world = await openWorld({ manifest: { idempotency: "read-back" } });
    world.platform.answers.push(takenUnheard(world));
    world.platform.looks.push(() => Promise.reject(new Error("no answer")));
    world.platform.looks.push(() => new Promise(() => undefined));
    await world.delivery.start();
    await world.put("a", "hello", { chatId: "#one" });
    await expect.poll(() => world.state("a")).toBe("unknown");
    await passTime(world, () => world.platform.looks.length === 0);
    await world.put("b", "other", { chatId: "#two" });
    await expect.poll(() => world.state("b")).toBe("sent");
  });

  it("blind: the label stays until that piece is through, whatever comes between", async () => {
    const world = await openWorld();
    world.platform.answers.push(takenUnheard(world), busy);
    await world.delivery.start();
    await world.put("a", "one|two");
    await passTime(world, async () => (await world.state("a")) === "sent");
    expect(world.platform.texts()).toEqual(["one", `${repeatLabel}one`, "two"]);
  });

  it("M4: blind: is sent again with a label, and the label is on that piece alone", async () => {
    const world = await openWorld();
    world.platform.answers.push(takenUnheard(world));
    await world.delivery.start();
    await world.put("a", "one|two");
    await passTime(world, async () => (await world.state("a")) === "sent");
    expect(world.platform.texts()).toEqual(["one", `${repeatLabel}one`, "two"]);
  });

  it("blind, held: stays in doubt until a person decides, and holds up nobody", async () => {
    const world = await openWorld({ policy: { onDoubt: "hold-and-ask" } });
    world.platform.answers.push(takenUnheard(world));
    await world.delivery.start();
    await world.put("a", "hello");
    await world.put("b", "later");
    await expect.poll(() => world.state("b")).toBe("sent");
    expect(await world.state("a")).toBe("unknown");
    expect(world.platform.seen.map((piece) => piece.text)).toEqual(["hello", "later"]);
    await world.clock.advance(2 * limits.replyTtlMs);
    expect(await world.state("a")).toBe("unknown");
    expect(world.platform.seen.map((piece) => piece.text)).toEqual(["hello", "later"]);
  });

  it("M4: is never called sent by itself after a crash in the middle of a send", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "openclaw-out-"));
    const first = await openWorld({ folder });
    first.platform.answers.push(() => new Promise(() => undefined));
    await first.delivery.start();
    await first.put("a", "hello");
    await expect.poll(() => first.state("a")).toBe("sending");
    await crash(first);
    const second = await openWorld({ folder });
    await second.delivery.start();
    await passTime(second, async () => (await second.state("a")) === "sent");
    expect(second.platform.texts()).toEqual([`${repeatLabel}hello`]);
  });
});

describe("a store that refuses for a while", () => {
  const full = (): Promise<never> => Promise.reject(new AppError("STORE_002", "no space left"));

  it("what was sent is written when it can be, is sent once, and the chat goes on", async () => {
    const world = await openWorld();
    const { outbox } = world.store;
    const [settle, progress] = [outbox.settle.bind(outbox), outbox.progress.bind(outbox)];
    let refusals = 3;
    outbox.progress = (...args) => (refusals-- > 0 ? full() : progress(...args));
    outbox.settle = (...args) => (refusals-- > -4 ? full() : settle(...args));
    await world.delivery.start();
    await world.put("a", "one|two");
    await world.put("b", "three");
    await passTime(world, async () => (await world.state("b")) === "sent");
    expect(await world.state("a")).toBe("sent");
    expect(world.platform.seen.map((piece) => piece.text)).toEqual(["one", "two", "three"]);
  });

  it("is not asked again at once, and nothing leaves before the row says so", async () => {
    const world = await openWorld();
    const { outbox } = world.store;
    const sending = outbox.sending.bind(outbox);
    let refused = 0;
    outbox.sending = () => ((refused += 1), full());
    await world.delivery.start();
    await world.put("a", "hello");
    for (let turn = 0; turn < 50; turn += 1) await world.store.probe();
    expect(refused).toBe(1);
    expect(world.platform.seen).toEqual([]);
    outbox.sending = sending;
    await passTime(world, async () => (await world.state("a")) === "sent");
  });
});

describe("the end of delivery", () => {
  it("begins nothing after it was closed, and waits for the look that was under way", async () => {
    const world = await openWorld();
    const { outbox } = world.store;
    const ready = outbox.ready.bind(outbox);
    const gate = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    outbox.ready = async (options) => {
      asked.resolve();
      await gate.promise;
      return ready(options);
    };
    await world.delivery.start();
    await world.put("a", "hello");
    await asked.promise;
    const closed = world.delivery.close(new AbortController().signal);
    gate.resolve();
    await closed;
    await world.store.probe();
    expect(await world.state("a")).toBe("prepared");
    expect(world.platform.seen).toEqual([]);
  });

  it("a platform that asks for more patience than a reply has makes it expire in its time", async () => {
    const world = await openWorld();
    world.platform.answers.push(() => ({
      outcome: "not-sent",
      error: new AppError("CONN_003", "come back tomorrow", { retryAfterMs: 86_400_000 }),
    }));
    await world.delivery.start();
    await world.put("a", "hello");
    await expect.poll(async () => (await world.store.outbox.get("a"))?.attempts).toBe(1);
    await expect.poll(() => world.state("a")).toBe("prepared");
    await world.clock.advance(3_600_001);
    await expect.poll(() => world.state("a")).toBe("expired");
  });
});

describe("a part that falls due while delivery looks", () => {
  it("M12: is not forgotten: what the look did not see is what the timer is for", async () => {
    const world = await openWorld();
    const dueMs = world.clock.nowMs() + 1_000;
    const { outbox } = world.store;
    const ready = outbox.ready.bind(outbox);
    let looks = 0;
    outbox.ready = async (options) => {
      const rows = await ready(options);
      looks += 1;
      // Its moment comes between the look and the question for the next one.
      if (looks === 1) world.clock.setWall(dueMs);
      return rows;
    };
    await world.store.outbox.add(
      {
        id: "a",
        address: address("#room"),
        replyToId: null,
        reply: { markdown: "late" },
        expiresMs: dueMs + 3_600_000,
        state: "prepared",
        notBeforeMs: dueMs,
      },
      { sessionKey: "agent:main:main", runId: null, atMs: world.clock.nowMs() },
    );
    await world.delivery.start();
    await passTime(world, () => world.platform.seen.length === 1);
    expect(world.platform.texts()).toEqual(["late"]);
  });
});
