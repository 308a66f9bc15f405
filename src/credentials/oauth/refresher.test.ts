/** OAuth logins that run out: refreshed before, once, over callers, gateways and processes; and what is told if not. */
import { fork } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { limits } from "../../domain/limits.ts";
import { oauthLogin, profilesWorld } from "../profiles-world.fixture.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const id = "openai:work";

describe("refreshing", () => {
  it("S6: a login is refreshed five minutes before it ends, by the schedule alone, again and again", async () => {
    const world = profilesWorld();
    await world.store(id, oauthLogin(world.clock, hourMs));
    const desk = world.desk();
    desk.start();
    await world.clock.advance(hourMs - limits.oauthRefreshAheadMs - limits.oauthJitterMs - 1);
    expect(world.endpoint.forms).toHaveLength(0);
    await world.clock.advance(limits.oauthJitterMs + 1_000);
    expect(world.endpoint.forms.map((form) => form.get("refresh_token"))).toEqual(["refresh-0"]);
    expect(desk.get(id)?.expiresMs).toBeGreaterThan(world.clock.nowMs() + 50 * minuteMs);
    await world.clock.advance(4 * hourMs);
    expect(world.endpoint.forms).toHaveLength(5);
    expect(world.endpoint.reuses).toEqual([]);
    expect(await desk.credential(id)).toEqual({ kind: "bearer", token: "access-5" });
  });

  it("S6: a hundred callers at once cause one request, and all get the new token, which is on the disk by then", async () => {
    const world = profilesWorld();
    await world.store(id, oauthLogin(world.clock, 2 * minuteMs));
    const desk = world.desk();
    await desk.look();
    const all = await Promise.all(Array.from({ length: 100 }, () => desk.credential(id)));
    expect(new Set(all.map((credential) => JSON.stringify(credential)))).toEqual(
      new Set(['{"kind":"bearer","token":"access-1"}']),
    );
    expect(world.endpoint.forms).toHaveLength(1);
    expect(await world.stored(id)).toMatchObject({ accessToken: "access-1", refreshToken: "refresh-1" });
  });

  it("S6: two gateways over one vault refresh once, whoever is first", async () => {
    const world = profilesWorld();
    await world.store(id, oauthLogin(world.clock, 20 * minuteMs));
    const desks = [world.desk(), world.desk()] as const;
    for (const desk of desks) desk.start();
    await world.clock.advance(16 * minuteMs);
    expect(world.endpoint.forms).toHaveLength(1);
    expect(world.endpoint.reuses).toEqual([]);
    for (const desk of desks) expect(await desk.credential(id)).toMatchObject({ token: "access-1" });
    expect(desks[0].get(id)?.revision).toBe(desks[1].get(id)?.revision);
  });

  it("S6: three processes that want the same login at the same moment spend its refresh token once", async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), "openclaw-refresh-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const told = await Promise.all([0, 1, 2].map(() => inProcess(folder)));
    // The endpoint of the fixture is a folder: one file for each request that spent the token.
    expect(new Set(told.map(({ token }) => token)).size).toBe(1);
    expect(told.reduce((sum, { requests }) => sum + requests, 0)).toBe(1);
  }, 60_000);

  it("S6: a refresh that fails is told once, tried again with growing pauses while the old token lives, and heals", async () => {
    const world = profilesWorld();
    await world.store(id, oauthLogin(world.clock, hourMs));
    const desk = world.desk();
    desk.start();
    world.endpoint.plant("unreachable", { status: 503, body: {} }, { status: 500, body: "page" }, "unreachable");
    const before = await worldUntil(world.clock, () => world.endpoint.forms.length === 1, hourMs);
    expect(desk.get(id)?.state).toBe("refresh-failed");
    expect(await desk.credential(id)).toMatchObject({ token: "access-0" });
    const pauses: number[] = [];
    for (let count = 2; count <= 5; count += 1) {
      pauses.push(await worldUntil(world.clock, () => world.endpoint.forms.length === count, hourMs));
    }
    expect(before).toBeLessThan(hourMs - limits.oauthRefreshAheadMs + 1_000);
    expect(pauses.map((pauseMs) => Math.round(pauseMs / 10_000))).toEqual([1, 2, 4, 8]);
    expect(desk.get(id)?.state).toBe("usable");
    expect(await desk.credential(id)).toMatchObject({ token: "access-1" });
    const states = world.events.flatMap((event) => (event.type === "profile.state" ? [event] : []));
    expect(states.map(({ previous, state }) => `${previous} → ${state}`)).toEqual([
      "usable → refresh-failed",
      "refresh-failed → usable",
    ]);
    expect(world.lines.filter((line) => line.startsWith("warn"))).toEqual(["warn a login cannot be refreshed"]);
  });

  it("S4: where the provider says that the login is over, it is asked once and never again, over restarts and callers", async () => {
    const world = profilesWorld();
    await world.store(id, oauthLogin(world.clock, hourMs, { refreshToken: "spent elsewhere" }));
    const desk = world.desk();
    desk.start();
    await world.clock.advance(hourMs - 4 * minuteMs);
    expect(desk.get(id)?.state).toBe("expired");
    // It lives for four more minutes, and is given out for them.
    expect(await desk.credential(id)).toMatchObject({ token: "access-0" });
    await world.clock.advance(3 * hourMs);
    const restarted = world.desk();
    restarted.start();
    await world.clock.advance(3 * hourMs);
    for (let call = 0; call < 100; call += 1) {
      await expect(restarted.credential(id)).rejects.toMatchObject({
        code: "MODEL_002",
        details: { reason: "auth", profileId: id },
        message: expect.stringContaining("openclaw models auth login openai --name work") as string,
      });
    }
    expect(world.endpoint.forms).toHaveLength(1);
    // What can only be spent by mistake is not kept.
    expect(await world.stored(id)).toMatchObject({ refreshToken: null, trouble: { state: "expired" } });
    const ends = world.events.filter((event) => event.type === "profile.state" && event.state === "expired");
    // Each start tells it anew: somebody has to log in.
    expect(ends).toHaveLength(2);
  });

  it("S4: the pause after a failure holds for callers and for other gateways", async () => {
    const world = profilesWorld();
    await world.store(id, oauthLogin(world.clock, minuteMs));
    world.endpoint.plant({ status: 429, body: {}, headers: { "retry-after": "300" } });
    await world.clock.advance(2 * minuteMs);
    const [one, other] = [world.desk(), world.desk()];
    await expect(one.credential(id)).rejects.toMatchObject({ code: "MODEL_004", details: { reason: "network" } });
    for (let call = 0; call < 50; call += 1) {
      await expect(other.credential(id)).rejects.toMatchObject({ code: "MODEL_004" });
      await world.clock.advance(5_000);
    }
    expect(world.endpoint.forms).toHaveLength(1);
    await world.clock.advance(50_001);
    expect(await other.credential(id)).toMatchObject({ token: "access-1" });
  });

  it("S6: killed between the provider's answer and the write, the login is told to be over, and nothing loops", async () => {
    const world = profilesWorld();
    await world.store(id, oauthLogin(world.clock, hourMs));
    const killed = world.desk();
    // The token is spent, the process dies before it knows: to the next one it is as if the answer had been lost.
    world.endpoint.plant("lost");
    world.vault.failNextWrite(new Error("killed"));
    await world.clock.advance(58 * minuteMs);
    expect(await killed.credential(id)).toMatchObject({ token: "access-0" });
    const next = world.desk();
    next.start();
    await world.clock.advance(3 * hourMs);
    expect(world.endpoint.reuses).toEqual(["refresh-0"]);
    expect(next.get(id)?.state).toBe("expired");
    expect((await world.stored(id)).trouble?.reason).toContain("its successor was lost");
  });

  it("S6: an answer that cannot be kept is kept later, and its predecessor is not spent again", async () => {
    const world = profilesWorld();
    await world.store(id, oauthLogin(world.clock, minuteMs));
    const desk = world.desk();
    world.vault.failNextWrite(new Error("disk full"));
    await world.clock.advance(30_000);
    expect(await desk.credential(id)).toMatchObject({ token: "access-0" });
    expect(await desk.credential(id)).toMatchObject({ token: "access-0" });
    await world.clock.advance(limits.oauthRetryBaseMs);
    expect(await desk.credential(id)).toMatchObject({ token: "access-1" });
    expect(world.endpoint.forms).toHaveLength(1);
    expect(await world.stored(id)).toMatchObject({ refreshToken: "refresh-1" });
  });

  it("the server's clock may be hours off, and ours may be set back: a token is refreshed in its time", async () => {
    const world = profilesWorld({ dateSkewMs: -5 * hourMs });
    await world.store(id, oauthLogin(world.clock, minuteMs));
    const desk = world.desk();
    desk.start();
    await world.clock.advance(1_000);
    expect(desk.get(id)?.expiresMs).toBe(world.clock.nowMs() - 1_000 + hourMs);
    world.clock.setWall(world.clock.nowMs() - 10 * hourMs);
    await world.clock.advance(50 * minuteMs);
    expect(world.endpoint.forms).toHaveLength(1);
    await world.clock.advance(6 * minuteMs);
    expect(world.endpoint.forms).toHaveLength(2);
  });

  it("a wrong client id is no end of the login: it is tried again, rarely", async () => {
    const world = profilesWorld();
    await world.store(id, oauthLogin(world.clock, 10 * minuteMs));
    world.endpoint.plant(...Array.from({ length: 3 }, () => ({ status: 401, body: { error: "invalid_client" } })));
    const desk = world.desk();
    desk.start();
    await world.clock.advance(6 * minuteMs);
    expect(world.endpoint.forms).toHaveLength(1);
    await world.clock.advance(46 * minuteMs);
    expect(world.endpoint.forms).toHaveLength(4);
    expect(desk.get(id)?.state).toBe("usable");
  });

  it("H16: a token that is refused before its time is refreshed, once per revision", async () => {
    const world = profilesWorld();
    await world.store(id, oauthLogin(world.clock, hourMs));
    const desk = world.desk();
    desk.start();
    await world.clock.advance(10 * minuteMs);
    const { revision } = desk.get(id) ?? { revision: "" };
    for (let times = 0; times < 10; times += 1) desk.refused(id, revision);
    await world.clock.advance(1);
    for (let times = 0; times < 10; times += 1) desk.refused(id, revision);
    await world.clock.advance(1);
    expect(world.endpoint.forms).toHaveLength(1);
    expect(desk.get(id)?.revision).not.toBe(revision);
    // The new one is refused at once: another one would be no better.
    desk.refused(id, desk.get(id)?.revision ?? "");
    await world.clock.advance(1);
    expect(world.endpoint.forms).toHaveLength(1);
  });

  it("one that cannot be refreshed ends when it is refused", async () => {
    const world = profilesWorld();
    await world.store(id, oauthLogin(world.clock, hourMs, { refreshToken: null, expiresMs: null }));
    const desk = world.desk();
    desk.start();
    await world.clock.advance(10 * minuteMs);
    expect(desk.get(id)?.state).toBe("usable");
    desk.refused(id, desk.get(id)?.revision ?? "");
    await world.clock.advance(1);
    expect(desk.get(id)?.state).toBe("expired");
    expect(world.endpoint.forms).toHaveLength(0);
  });

  it("a failure that is noted beside a token is no change of it", async () => {
    const world = profilesWorld();
    await world.store(id, oauthLogin(world.clock, 10 * minuteMs));
    const desk = world.desk();
    desk.start();
    await world.clock.advance(1);
    const { revision } = desk.get(id) ?? { revision: "" };
    world.endpoint.plant("unreachable", "unreachable");
    await world.clock.advance(5 * minuteMs + 20_000);
    expect(desk.get(id)).toMatchObject({ state: "refresh-failed", revision });
  });

  it("no secret stands in a log line, an event or an error, and all were told to the redactor", async () => {
    const world = profilesWorld();
    await world.store(id, oauthLogin(world.clock, minuteMs));
    const body = { error: "invalid_request", error_description: "what is refresh-0 with client?" };
    world.endpoint.plant({ status: 400, body });
    await world.clock.advance(2 * minuteMs);
    const desk = world.desk();
    const failure: unknown = await desk.credential(id).catch((error: unknown) => error);
    expect(String(failure)).toContain("[redacted]");
    expect(JSON.stringify([failure, String(failure), world.lines, world.events])).not.toMatch(/refresh-0|access-0/);
    expect([...world.redacted]).toEqual(expect.arrayContaining(["access-0", "refresh-0"]));
  });

  it("closing leaves no timer", async () => {
    const world = profilesWorld();
    await world.store(id, oauthLogin(world.clock, hourMs));
    const desk = world.desk();
    desk.start();
    await world.clock.advance(minuteMs);
    await desk.close();
    await world.clock.advance(2 * hourMs);
    expect(world.clock.pendingTimers).toBe(0);
    expect(world.endpoint.forms).toHaveLength(0);
  });

  it("whatever an endpoint answers, a login is never refreshed with a spent token, and never storms", async () => {
    const answers = fc.constantFrom(
      "unreachable" as const,
      { status: 500, body: {} },
      { status: 200, body: "nonsense" },
      { status: 200, body: { access_token: "" } },
      { status: 400, body: { error: "invalid_scope" } },
      { status: 429, body: {} },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(answers, { maxLength: 8 }), async (planted) => {
        const world = profilesWorld();
        await world.store(id, oauthLogin(world.clock, hourMs));
        world.endpoint.plant(...planted);
        const desk = world.desk();
        desk.start();
        await world.clock.advance(4 * hourMs);
        expect(world.endpoint.reuses).toEqual([]);
        expect(world.endpoint.forms.length).toBeLessThanOrEqual(planted.length + 5);
        expect(desk.get(id)?.state).toBe("usable");
        await desk.close();
      }),
      { numRuns: 8 },
    );
  });
});

/** Moves time on until it is so; how much went by. */
async function worldUntil(
  clock: ReturnType<typeof profilesWorld>["clock"],
  isSo: () => boolean,
  mostMs: number,
): Promise<number> {
  const beganMs = clock.monotonicMs();
  while (!isSo() && clock.monotonicMs() - beganMs < mostMs) await clock.advance(clock.nextDueMs ?? 1_000);
  return clock.monotonicMs() - beganMs;
}

interface ToldByProcess {
  readonly token: string;
  readonly requests: number;
}

function inProcess(folder: string): Promise<ToldByProcess> {
  return new Promise((resolve, reject) => {
    const child = fork(new URL("refresh-once.fixture.ts", import.meta.url), [folder], { stdio: "inherit" });
    child.once("message", (message) => resolve(message as ToldByProcess));
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`ended with ${code}`)));
  });
}
