/** The drills as the command line asks for them. Nothing of a gateway that runs is touched: each works in a folder of its own. */
import type { Environment } from "../config/environment.ts";
import { crashDrill } from "../drill/crash/drill.ts";
import { loadDrill, loadText, type LoadReport } from "../drill/crash/load.ts";
import { passed, reportText, type DrillReport } from "../drill/report.ts";
import { systemClock } from "../platform/clock.ts";
import { systemIds } from "../platform/ids.ts";
import { openDrillPort } from "./drill-port.ts";

export interface DrillOutcome<Report> {
  readonly report: Report;
  readonly text: string;
  readonly passed: boolean;
}

/** Emulated accounts. Where answers stream: one that answers whole, one in blocks, one in a message that grows. */
const bots = 3;

export async function runCrashDrill(options: {
  readonly environment: Environment;
  readonly kills: number;
  /** Chosen by chance where absent, and told. */
  readonly seed?: number;
  readonly streaming: boolean;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}): Promise<DrillOutcome<DrillReport>> {
  const { environment, kills, streaming, signal, say } = options;
  const seed = options.seed ?? Math.floor(systemIds().random() * 2 ** 32);
  const port = await openDrillPort(environment);
  say(`A copy of the configuration, ${bots} emulated accounts, ${kills} crashes, seed ${seed}.`);
  const report = await crashDrill({
    port,
    clock: systemClock(),
    kills,
    seed,
    bots,
    streaming,
    signal,
    progress: (done) => {
      if (done % 50 === 0) say(`${done} of ${kills}`);
    },
  });
  return { report, text: reportText(report), passed: passed(report) };
}

export async function runLoadDrill(options: {
  readonly environment: Environment;
  readonly rate: number;
  readonly seconds: number;
  readonly signal: AbortSignal;
}): Promise<DrillOutcome<LoadReport>> {
  const port = await openDrillPort(options.environment);
  const report = await loadDrill({ ...options, port, clock: systemClock() });
  return { report, text: loadText(report), passed: report.unanswered === 0 };
}
