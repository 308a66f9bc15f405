import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { AppError } from "../domain/app-error.ts";
import { markDrillFolder } from "./drill-folder.ts";
import { formatDrillPlan, parseDrillPlan, plannedFailpoints, type Cut } from "./failpoint-plan.ts";
import { plantDrill } from "./planted.ts";

describe("the plan of a drill", () => {
  it("is read as it is written", () => {
    const text =
      "before-send:2:kill,settled:1:stop,received:3:exit,tool-running:1:throw:STORE_001,clock:-5000,lease:2000";
    const plan = parseDrillPlan(text);
    expect(plan).toMatchObject({ clockOffsetMs: -5_000, leaseMs: 2_000 });
    expect(plan.cuts).toHaveLength(4);
    expect(formatDrillPlan(plan)).toBe(text);
  });

  it("is refused by name where it says nothing that could happen", () => {
    const wrong = [
      "nowhere:1:kill",
      "received:0:kill",
      "received:1:burn",
      "received:1:throw:XX",
      "clock:soon",
      "lease:0",
    ];
    for (const text of wrong) {
      const thrown = catchError(() => parseDrillPlan(text));
      expect(thrown, text).toMatchObject({ code: "SYS_003" });
      expect(thrown?.message).toContain(text);
    }
  });
});

describe("planned failpoints", () => {
  const cut = (action: Cut["action"]): readonly Cut[] => [{ name: "settled", count: 2, action }];

  it("kill at the counted time and at no other, and nobody goes on behind it", async () => {
    const signals: string[] = [];
    const points = plannedFailpoints(cut({ kind: "kill" }), {
      signal: (one) => signals.push(one),
      exit: () => undefined,
    });
    await points.reach("settled");
    await points.reach("received");
    expect(signals).toEqual([]);
    const after = Promise.race([points.reach("settled").then(() => "went on"), Promise.resolve("stands")]);
    expect(await after).toBe("stands");
    expect(signals).toEqual(["SIGKILL"]);
    await points.reach("settled");
    expect(signals).toEqual(["SIGKILL"]);
  });

  it("stop and go on, or fail with the code that was asked for", async () => {
    const signals: string[] = [];
    const hands = { signal: (one: string) => void signals.push(one), exit: () => undefined };
    const stopping = plannedFailpoints(cut({ kind: "stop" }), hands);
    await stopping.reach("settled");
    await stopping.reach("settled");
    expect(signals).toEqual(["SIGSTOP"]);
    const failing = plannedFailpoints(cut({ kind: "throw", code: "STORE_001" }), hands);
    await failing.reach("settled");
    await expect(failing.reach("settled")).rejects.toMatchObject({ code: "STORE_001" });
  });
});

describe("a gateway that is asked to hurt itself", () => {
  it("does not, outside a folder that a drill made", async () => {
    const stateDir = await mkdtemp(path.join(tmpdir(), "openclaw-drill-mark-"));
    try {
      const said: string[] = [];
      expect(await plantDrill("settled:1:kill", stateDir, (text) => said.push(text))).toBeNull();
      expect(said.join()).toContain("no effect");
      await markDrillFolder(stateDir);
      await expect(plantDrill("settled:1:burn", stateDir, () => undefined)).rejects.toMatchObject({ code: "SYS_003" });
    } finally {
      await rm(stateDir, { recursive: true, force: true });
    }
  });
});

function catchError(work: () => unknown): AppError | null {
  try {
    work();
    return null;
  } catch (error) {
    return AppError.from(error);
  }
}
