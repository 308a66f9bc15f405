/** `cron`: jobs on a schedule. */
import * as z from "zod";
import { about, duration, positive, secret } from "./leaf.ts";

export function cronSchema() {
  return z.object({
    enabled: about(z.boolean(), "Whether jobs run."),
    maxConcurrentRuns: about(positive(), "Jobs at the same time."),
    misfire: about(
      z.enum(["run-once", "skip", "all"]),
      "What becomes of runs that were due while the gateway was down.",
    ),
    sessionRetention: about(duration(), "How long the session of a run is kept."),
    webhook: about(z.string().optional(), "Address that is told the outcome."),
    webhookToken: about(secret().optional(), "Token sent to it."),
  });
}
