import { describe, expect, it } from "vitest";
import type { AppEvent } from "../../domain/events.ts";
import { createEventBus } from "../../platform/bus.ts";
import { FakeClock } from "../../platform/fake-clock.ts";
import { silentLog } from "../../platform/log.ts";
import type { Turn } from "../turn.ts";
import { SaidText } from "./said-text.ts";

/** A turn that has said something before, and what its chat and those who read along are told. */
function stage(before: string): { said: SaidText; turn: Turn; told: string[] } {
  const told: string[] = [];
  const bus = createEventBus(silentLog());
  bus.on((event: AppEvent) => {
    if (event.type === "run.text") told.push(`text ${event.soFar}`);
    if (event.type === "run.restarted") told.push(`restarted ${event.soFar}`);
  });
  const stream = {
    update: (soFar: string) => told.push(`chat ${soFar}`),
    restart: (soFar: string) => told.push(`chat restarts ${soFar}`),
  };
  const row = { runId: "run", sessionKey: "s", agentId: "main" };
  const turn = { text: before, stream, row } as unknown as Turn;
  return { said: new SaidText(turn, { bus, clock: new FakeClock() }), turn, told };
}

describe("the text of a step", () => {
  it("F11: what a broken attempt has said is taken back from the chat too, when the next one speaks and not sooner", () => {
    const { said, turn, told } = stage("Before.");
    said.begin();
    said.say("Half");
    said.begin();
    expect(told.splice(0)).toEqual(["text Before.\n\nHalf", "chat Before.\n\nHalf"]);
    said.say("Whole");
    expect(told).toEqual([
      "restarted Before.",
      "chat restarts Before.",
      "text Before.\n\nWhole",
      "chat Before.\n\nWhole",
    ]);
    said.settle();
    expect(turn.text).toBe("Before.\n\nWhole");
  });

  it("F11: an answer without words takes it back at its end; where there is no answer the last words stay", () => {
    const silent = stage("");
    silent.said.begin();
    silent.said.say("Half");
    silent.said.begin();
    silent.said.settle();
    expect(silent.told.slice(2)).toEqual(["restarted ", "chat restarts "]);
    expect(silent.turn.text).toBe("");
    const lost = stage("");
    lost.said.begin();
    lost.said.say("Half");
    lost.said.begin();
    lost.said.keep();
    expect(lost.turn.text).toBe("Half");
    expect(lost.told).toHaveLength(2);
  });
});
