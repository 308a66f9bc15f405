import { afterEach, describe, expect, it } from "vitest";
import { limits } from "../domain/limits.ts";
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

  it("M9: ends as dead, with a word to the person, when its attempts are used up", async () => {
    const first = await openTestWay({ script: hangs });
    await first.way.admit(chatRequest("the last straw", { runId: "run-1" }));
    for (let crash = 1; crash <= limits.turnAttempts; crash += 1) {
      const owner = `crashed-${crash}`;
      await first.store.inbox.claim({ owner, leaseMs: 60_000, atMs: crash, agingMs: 0 });
      await first.store.inbox.recover("next", crash);
    }
    await first.store.close();
    const second = await openTestWay({ script: says("never asked"), folder: first.folder });
    opened.push(second);
    await second.way.start();
    expect(await second.next("run.ended")).toMatchObject({ outcome: "error", error: { code: "SYS_001" } });
    expect(await second.store.inbox.byRunId("run-1")).toMatchObject({ state: "dead", reason: "too-many-attempts" });
    expect(second.requests).toEqual([]);
    expect(await second.store.outbox.ofRun("run-1")).toHaveLength(1);
  });
});
