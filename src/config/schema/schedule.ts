/** `cron`: jobs on a schedule. */
import * as z from "zod";
import { duration, positive, secret } from "./leaf.ts";

export function cronSchema() {
  return z.object({
    enabled: z.boolean().describe("Whether jobs run."),
    maxConcurrentRuns: positive().describe("Jobs at the same time."),
    misfire: z
      .enum(["run-once", "skip", "all"])
      .describe("What becomes of runs that were due while the gateway was down."),
    sessionRetention: duration().describe("How long the session of a run is kept."),
    webhook: z.string().optional().describe("Address that is told the outcome."),
    webhookToken: secret().optional().describe("Token sent to it."),
  });
}
