/** `logging` and `diagnostics`: what is written down about the work. */
import * as z from "zod";
import { filePath, names, positive, record, secret } from "./leaf.ts";

const level = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

export function loggingSchema() {
  return z.object({
    level: z.enum(level).describe("Least serious line of the log file."),
    consoleLevel: z.enum(level).describe("Least serious line of the console."),
    consoleStyle: z.enum(["pretty", "compact", "json"]).describe("Form of console lines."),
    file: filePath().describe("The log file."),
    maxFileMb: positive().describe("Size at which a new file is begun."),
    keepFiles: positive().describe("Old files that are kept."),
    redactSensitive: z.enum(["off", "tools"]).describe("Whether tool output is searched for secrets too."),
    redactPatterns: names().describe("Further patterns of secrets."),
  });
}

export function diagnosticsSchema() {
  return z.object({
    enabled: z.boolean().describe("Whether traces are exported."),
    flags: names().describe("Parts that log more."),
    otel: z
      .object({
        endpoint: z.string().describe("Address of the collector."),
        headers: record(secret()).default({}).describe("Headers sent to it."),
        sampleRate: z.number().min(0).max(1).default(1).describe("Share of traces."),
      })
      .optional(),
  });
}
