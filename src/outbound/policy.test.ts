import { describe, expect, it } from "vitest";
import type { SendOutcome } from "../channels/contract.ts";
import { AppError } from "../domain/app-error.ts";
import { deliveryMarkOf } from "../domain/delivery-mark.ts";
import type { DeliveryPolicy } from "../domain/delivery-policy.ts";
import { limits } from "../domain/limits.ts";
import {
  address,
  busy,
  crash,
  lost,
  openWorld,
  passTime,
  recordPauses,
  takenUnheard,
  type Answer,
  type World,
} from "./delivery-world.fixture.ts";
import { createInitialState } from "./initial-state.ts";
import { repeatLabel } from "./part/render-part.ts";

/** Answers every send alike, and counts. */
function always(world: World, answer: () => SendOutcome): { sends: number } {
  const count = { sends: 0 };
  const again: Answer = () => {
    count.sends += 1;
    world.platform.answers.push(again);
    return answer();
  };
  world.platform.answers.push(again);
  return count;
}

const failing = (status: number): SendOutcome => ({
  outcome: "not-sent",
  error: new AppError("MSG_002", "no", { details: { status } }),
});

async function attemptsOf(policy: Partial<DeliveryPolicy>, answer: () => SendOutcome): Promise<number> {
  const world = await openWorld({ policy });
  const count = always(world, answer);
  await world.delivery.start();
  await world.put("a", "hello");
  await passTime(world, async () => (await world.state("a")) === "failed", 1_000);
  return count.sends;
}

describe("what is tried again", () => {
  it("N8: fire-and-forget is one attempt, whatever becomes of it", async () => {
    const policy = { reliability: "fire-and-forget" } as const;
    for (const answer of [busy, () => failing(503), () => failing(400), lost])
      expect(await attemptsOf(policy, answer)).toBe(1);
  });

  it("N8: retry repeats whatever is not final, retry-on-error only what passes by itself", async () => {
    const final = (): SendOutcome => ({ outcome: "not-sent", error: new AppError("CONN_002", "wrong token") });
    const counted = async (reliability: DeliveryPolicy["reliability"]): Promise<number[]> => {
      const answers = [busy, () => failing(503), () => failing(400), final];
      const counts: number[] = [];
      for (const answer of answers) counts.push(await attemptsOf({ reliability }, answer));
      return counts;
    };
    expect(await counted("retry")).toEqual([4, 4, 4, 1]);
    expect(await counted("retry-on-error")).toEqual([4, 4, 1, 1]);
  });

  it("N9: attempts, first pause, factor and longest pause are the account's own", async () => {
    const retry = { attempts: 5, minDelayMs: 500, maxDelayMs: 3_000, factor: 3, jitter: 0 };
    const world = await openWorld({ policy: { retry } });
    const pausesMs = recordPauses(world);
    always(world, () => failing(500));
    await world.delivery.start();
    await world.put("a", "hello");
    await passTime(world, async () => (await world.state("a")) === "failed", 1_000);
    expect(pausesMs).toEqual([500, 1_500, 3_000, 3_000, 3_000]);
  });

  it("N8: drop ends a doubt as failed, and whoever replays it says that it may be a repetition", async () => {
    const world = await openWorld({ policy: { onDoubt: "drop" } });
    world.platform.answers.push(takenUnheard(world));
    await world.delivery.start();
    await world.put("a", "hello");
    await expect.poll(() => world.state("a")).toBe("failed");
    const expiresMs = world.clock.nowMs() + 60_000;
    expect(await world.store.deadLetters.replay("a", { atMs: world.clock.nowMs(), expiresMs })).toBe(true);
    world.delivery.wake();
    await expect.poll(() => world.state("a")).toBe("sent");
    expect(world.platform.texts()).toEqual(["hello", `${repeatLabel}hello`]);
  });

  it("N8: what a person sends again after it was held in doubt is labelled too", async () => {
    const world = await openWorld({ policy: { onDoubt: "hold-and-ask" } });
    world.platform.answers.push(takenUnheard(world));
    await world.delivery.start();
    await world.put("a", "hello");
    await expect.poll(() => world.state("a")).toBe("unknown");
    const atMs = world.clock.nowMs();
    expect(await world.store.outbox.resubmit("a", { atMs, expiresMs: atMs + 60_000 })).toBe(true);
    world.delivery.wake();
    await expect.poll(() => world.state("a")).toBe("sent");
    expect(world.platform.texts()).toEqual(["hello", `${repeatLabel}hello`]);
  });
});

describe("who allows it", () => {
  it("N11: deny lets nothing out and keeps why", async () => {
    const world = await openWorld({ policy: { permission: "deny" } });
    await world.delivery.start();
    await world.put("a", "hello");
    await expect.poll(() => world.state("a")).toBe("failed");
    expect((await world.row("a"))?.error?.code).toBe("SEC_001");
    expect(world.platform.seen).toEqual([]);
  });

  it("N11: require-approval holds a part from its writing on; allowed it is sent once, refused it is failed", async () => {
    const world = await openWorld({ policy: { permission: "require-approval" } });
    const initialStateOf = createInitialState((channel) => channel === "stored", world.deps.settings);
    expect(initialStateOf({ ...address("#room"), channel: "stored" })).toBe("sent");
    expect(initialStateOf(address("#room"))).toBe("held");
    await world.delivery.start();
    await world.put("a", "yes", { state: "held" });
    await world.put("b", "no", { state: "held" });
    await passTime(world, async () => world.clock.monotonicMs() > 5_000);
    expect(world.platform.seen).toEqual([]);
    const atMs = world.clock.nowMs();
    const error = new AppError("SEC_001", "refused by its owner").toJSON();
    await world.store.outbox.decide("a", { allow: true, expiresMs: atMs + 60_000 }, atMs);
    await world.store.outbox.decide("b", { allow: false, error }, atMs);
    world.delivery.wake();
    await expect.poll(() => world.state("a")).toBe("sent");
    expect(await world.state("b")).toBe("failed");
    expect(world.platform.texts()).toEqual(["yes"]);
  });

  it("N11: a part that was written before the policy changed is held at the last moment", async () => {
    const world = await openWorld();
    world.connected = false;
    await world.delivery.start();
    await world.put("a", "hello");
    world.settings = { ...world.settings, policy: { ...world.settings.policy, permission: "require-approval" } };
    world.connected = true;
    world.delivery.wake();
    await expect.poll(() => world.state("a")).toBe("held");
    expect(world.platform.seen).toEqual([]);
    await world.store.outbox.decide("a", { allow: true, expiresMs: world.clock.nowMs() + 60_000 }, world.clock.nowMs());
    world.delivery.wake();
    await expect.poll(() => world.state("a")).toBe("sent");
  });
});

describe("a reply that came too late", () => {
  it("M8: its chat is told once, however many wait there, and no notice follows a notice", async () => {
    const world = await openWorld();
    world.connected = false;
    await world.delivery.start();
    for (const id of ["a", "b", "c"]) await world.put(id, `old ${id}`);
    await world.put("d", "elsewhere", { chatId: "#other" });
    await world.clock.advance(limits.replyTtlMs + 1);
    world.platform.answers.push(...Array.from({ length: 2 }, () => busy));
    world.connected = true;
    world.delivery.wake();
    await expect.poll(async () => (await world.store.outbox.counts()).expired).toBe(4);
    await passTime(world, () => world.platform.texts().length === 2);
    expect(new Set(world.platform.texts()).size).toBe(1);
    expect(world.platform.texts()[0]).toContain("expired");
  });

  it("M8: a notice waits a day, and after a restart no second one is written while it waits", async () => {
    const world = await openWorld();
    world.connected = false;
    await world.delivery.start();
    await world.put("a", "old");
    await world.clock.advance(limits.replyTtlMs + 1);
    world.settings = { ...world.settings, policy: { ...world.settings.policy, permission: "require-approval" } };
    world.connected = true;
    world.delivery.wake();
    await expect.poll(() => world.state("a.notice")).toBe("held");
    expect((await world.row("a.notice"))?.expiresMs).toBe(world.clock.nowMs() + limits.noticeTtlMs);
    await crash(world);
    const again = await openWorld({ folder: world.folder, clock: world.clock });
    await again.put("b", "old too", { expiresMs: world.clock.nowMs() });
    await again.delivery.start();
    await expect.poll(() => again.state("b")).toBe("expired");
    expect(await again.row("b.notice")).toBeNull();
  });
});

describe("the transcript", () => {
  async function marks(world: World): Promise<unknown[]> {
    return (await world.store.sessions.transcript("s")).map(({ body }) => deliveryMarkOf(body));
  }

  it("N3: says of a reply that failed how much of it was seen, and that it arrived when it is replayed", async () => {
    const world = await openWorld();
    await world.store.sessions.open("s", "main", { sessionId: "one", atMs: world.clock.nowMs() });
    world.platform.answers.push(
      (piece) => world.platform.take(piece),
      () => failing(400),
    );
    await world.delivery.start();
    await world.put("a", "one|two", { runId: "r1" });
    await expect.poll(() => world.state("a")).toBe("failed");
    expect(await marks(world)).toMatchObject([
      { partId: "a", runId: "r1", state: "failed", piecesSeen: 1, code: "MSG_002" },
    ]);
    const atMs = world.clock.nowMs();
    await world.store.deadLetters.replay("a", { atMs, expiresMs: atMs + 60_000 });
    world.delivery.wake();
    await expect.poll(() => world.state("a")).toBe("sent");
    expect(await marks(world)).toMatchObject([{ state: "failed" }, { partId: "a", state: "sent", piecesSeen: 2 }]);
    expect(world.platform.texts()).toEqual(["one", "two"]);
  });

  it("N3: says nothing of what arrived, nor of a part that no turn has said", async () => {
    const world = await openWorld();
    await world.store.sessions.open("s", "main", { sessionId: "one", atMs: world.clock.nowMs() });
    await world.delivery.start();
    await world.put("a", "fine", { runId: "r1" });
    await expect.poll(() => world.state("a")).toBe("sent");
    world.platform.answers.push(() => failing(400));
    await world.put("b", "by hand");
    await expect.poll(() => world.state("b")).toBe("failed");
    expect(await marks(world)).toEqual([]);
  });
});
