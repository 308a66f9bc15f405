import { describe, expect, it } from "vitest";
import { FakeClock } from "../../platform/fake-clock.ts";
import { runTool } from "../run-tool.ts";
import { toolContext } from "../tool-context.fixture.ts";
import type { Tool } from "../contract.ts";
import { timeTool } from "./index.ts";

async function timeAt(atMs: number, input: unknown): Promise<string> {
  const { text } = await runTool(timeTool as Tool, input, toolContext({ clock: new FakeClock(atMs) }));
  return text;
}

describe("the time tool", () => {
  const summer = Date.UTC(2026, 6, 1, 22, 30, 5);

  it("tells weekday, date, time, zone and offset, over the day's edge and in half-hour zones", async () => {
    expect(await timeAt(summer, { zone: "UTC" })).toBe("Wednesday, 2026-07-01 22:30:05 UTC (GMT+00:00)");
    expect(await timeAt(summer, { zone: "Europe/Vienna" })).toBe(
      "Thursday, 2026-07-02 00:30:05 Europe/Vienna (GMT+02:00)",
    );
    expect(await timeAt(summer, { zone: "Asia/Kolkata" })).toMatch(
      /^Thursday, 2026-07-02 04:00:05 Asia\/(Kolkata|Calcutta) \(GMT\+05:30\)$/,
    );
    expect(await timeAt(Date.UTC(2026, 0, 1), { zone: "UTC" })).toContain(" 00:00:00 ");
  });

  it("takes the host's zone where none is given", async () => {
    expect(await timeAt(summer, {})).toContain(Intl.DateTimeFormat().resolvedOptions().timeZone);
  });

  it.each(["Vienna", "", "../../etc/passwd", "Europe/Vienna\n", "🕐"])(
    "%j is no zone, and the words say what is",
    async (zone) => {
      await expect(timeAt(summer, { zone })).rejects.toMatchObject({
        code: "RUN_003",
        message: expect.stringContaining("Europe/Vienna"),
      });
    },
  );

  it("a zone of another kind, or without an end, is refused before it runs", async () => {
    await expect(timeAt(summer, { zone: 3 })).rejects.toMatchObject({ code: "RUN_003" });
    await expect(timeAt(summer, { zone: "x".repeat(65) })).rejects.toMatchObject({ code: "RUN_003" });
  });
});
