/** Real processes, really killed: two drills side by side, each with its own emulators, folder and seed. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDrillPort } from "../../src/app/drill-port.ts";
import { readEnvironment } from "../../src/config/environment.ts";
import { crashDrill } from "../../src/drill/crash/drill.ts";
import type { DrillPort } from "../../src/drill/crash/port.ts";
import { reportText, type DrillReport } from "../../src/drill/report.ts";
import { systemClock } from "../../src/platform/clock.ts";

const kills = Number(process.env["DRILL_KILLS"] ?? 200);
const seed = Number(process.env["DRILL_SEED"] ?? 20_262);
const drills = 2;
const patienceMs = 600_000;

let home: string;
let port: DrillPort;
beforeAll(async () => {
  home = await mkdtemp(path.join(tmpdir(), "openclaw-drill-home-"));
  port = await openDrillPort(readEnvironment({ PATH: process.env["PATH"], HOME: home }));
});
afterAll(() => rm(home, { recursive: true, force: true }));

describe(`a gateway that is killed ${kills} times`, () => {
  it(
    "M4, G2: has lost nothing, said nothing twice without a word, and is connected everywhere at the end",
    async () => {
      const reports = await Promise.all(
        Array.from({ length: drills }, (_unused, index) =>
          crashDrill({
            port,
            clock: systemClock(),
            kills: Math.ceil(kills / drills),
            seed: seed + index,
            bots: 3,
            streaming: false,
          }),
        ),
      );
      for (const report of reports) expectSound(report);
      const sum = (count: (report: DrillReport) => number): number =>
        reports.reduce((total, report) => total + count(report), 0);
      expect(sum(({ kills: done }) => done)).toBeGreaterThanOrEqual(kills);
      expect(sum(({ killsByKind }) => killsByKind["ended-by-itself"] ?? 0)).toBe(0);
      // Not everything was cut before it began: most of what was said was answered, and points in its way were hit.
      expect(sum(({ answered }) => answered)).toBeGreaterThan(sum(({ messages }) => messages) / 2);
      expect(
        Object.keys(Object.assign({}, ...reports.map(({ killsByFailpoint }) => killsByFailpoint))).length,
      ).toBeGreaterThan(8);
    },
    patienceMs,
  );
});

function expectSound(report: DrillReport): void {
  // The whole report where it is not: seed and sentence are what one needs to make it again.
  expect(report.violations, reportText(report)).toEqual([]);
  expect(report).toMatchObject({ lost: 0, unlabelledDuplicates: 0, channels: { connected: 3, configured: 3 } });
  expect(report.refusedAddresses).toEqual([]);
}
