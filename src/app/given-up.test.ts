import { afterEach, describe, expect, it } from "vitest";
import { limits } from "../domain/limits.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import { chatRequest, openTestWay, says, type Script, type TestWay } from "./way.fixture.ts";

const opened: TestWay[] = [];
afterEach(async () => {
  for (const way of opened.splice(0)) await way.close();
});

/** A model that says a word and then waits until it is aborted. */
const hangs: Script = async function* (_request, _call, signal) {
  yield { type: "text", text: "so far" };
  if (!signal.aborted)
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  yield { type: "failure", error: { code: "RUN_001", message: "aborted", retry: "never", details: {} } };
};

describe("a message that is not answered", () => {
  it("is told as ended to whoever waits, when its session is deleted under it", async () => {
    const house = await openTestWay({ script: hangs });
    opened.push(house);
    await house.way.start();
    await house.way.admit(chatRequest("hello", { runId: "run-1" }));
    await house.next("run.text");
    const ended = house.next("run.ended");
    await house.store.sessions.delete("agent:main:main");
    house.way.turns.abort("run-1", "its session was deleted");
    expect(await ended).toMatchObject({ runId: "run-1", outcome: "aborted", error: { code: "RUN_001" } });
  });

  it("M9: ends as dead, with a word to the person, when its attempts are used up, and not one sooner", async () => {
    const folder = await crashedOften(limits.turnAttempts);
    const second = await openTestWay({ script: says("never asked"), folder });
    opened.push(second);
    await second.way.start();
    expect(await second.next("run.ended")).toMatchObject({ outcome: "error", error: { code: "SYS_001" } });
    expect(await second.store.inbox.byRunId("run-1")).toMatchObject({ state: "dead", reason: "too-many-attempts" });
    expect(second.requests).toEqual([]);
    expect(await second.store.outbox.ofRun("run-1")).toHaveLength(1);

    const other = await openTestWay({ script: says("at last"), folder: await crashedOften(limits.turnAttempts - 1) });
    opened.push(other);
    await other.way.start();
    expect(await other.next("run.ended")).toMatchObject({ outcome: "final", text: "at last" });
  });

  it("M9: waits the longer the more crashes found it under way; a message beside it is answered at once", async () => {
    const clock = new FakeClock();
    const crashed = await openTestWay({ script: says("unused"), clock });
    const { store } = crashed;
    const atMs = clock.nowMs();
    await crashed.way.admit(chatRequest("suspect", { runId: "suspect", sessionKey: "agent:main:one" }));
    for (const owner of ["a", "b", "c"]) {
      await store.inbox.claim({ owner, leaseMs: 60_000, atMs, agingMs: 0 });
      if (owner !== "c") await store.inbox.recover("next", atMs);
    }
    await crashed.way.admit(chatRequest("innocent", { runId: "innocent", sessionKey: "agent:main:two" }));
    await store.inbox.claim({ owner: "c", leaseMs: 60_000, atMs, agingMs: 0 });
    await crashed.crash();

    const house = await openTestWay({ script: says("here"), folder: crashed.folder, clock });
    opened.push(house);
    await house.way.start();
    expect(await house.next("run.ended")).toMatchObject({ runId: "innocent" });
    await expect.poll(() => clock.nextDueMs).toBeLessThanOrEqual(2_000);
    await clock.advance(1_999);
    expect(house.events.filter((event) => event.type === "run.started")).toHaveLength(1);
    await clock.advance(1);
    expect(await house.next("run.ended", ({ runId }) => runId === "suspect")).toMatchObject({ outcome: "final" });
  });
});

/** A house that ended so many times while it answered the one message in it. Returns its folder. */
async function crashedOften(times: number): Promise<string> {
  const house = await openTestWay({ script: hangs });
  await house.way.admit(chatRequest("the last straw", { runId: "run-1" }));
  for (let crash = 1; crash <= times; crash += 1) {
    await house.store.inbox.claim({ owner: `crashed-${crash}`, leaseMs: 60_000, atMs: crash, agingMs: 0 });
    await house.store.inbox.recover("next", crash);
  }
  await house.store.close();
  return house.folder;
}
