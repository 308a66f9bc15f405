/** The end of a turn whose result no store can hold. */
import { afterEach, describe, expect, it } from "vitest";
import { chatRequest, openTestWay, says, type Script, type TestWay } from "./way.fixture.ts";

let house: TestWay | undefined;
afterEach(() => house?.close());

/** A reason that is no text: no column takes it. */
const unwritable: Script = async function* () {
  yield { type: "text", text: "an answer" };
  yield { type: "end", reason: { not: "a text" } as unknown as "stop", usage: null };
};

describe("a result that cannot be kept", () => {
  it("ends its turn as an error that is told, asks the model once, and holds up nobody", async () => {
    let script = unwritable;
    house = await openTestWay({ script: (request, call, signal) => script(request, call, signal) });
    await house.way.start();
    await house.way.admit(chatRequest("first", { runId: "run-1" }));
    expect(await house.next("run.ended")).toMatchObject({
      runId: "run-1",
      outcome: "error",
      error: { code: "SYS_001" },
    });
    expect(await house.store.turns.get("run-1")).toMatchObject({ state: "error", error: { code: "SYS_001" } });
    script = says("second answer");
    await house.way.admit(chatRequest("second", { runId: "run-2" }));
    expect(await house.next("run.ended", ({ runId }) => runId === "run-2")).toMatchObject({ text: "second answer" });
    expect(house.requests).toHaveLength(2);
  });
});
