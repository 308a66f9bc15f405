/** `logging` and `diagnostics`: what is written down about the work. */
import * as z from "zod";
import { about, filePath, names, positive, record, secret } from "./leaf.ts";

const level = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

export function loggingSchema() {
  return z.object({
    level: about(z.enum(level), "Least serious line of the log file."),
    consoleLevel: about(z.enum(level), "Least serious line of the console."),
    consoleStyle: about(z.enum(["pretty", "compact", "json"]), "Form of console lines."),
    file: about(filePath(), "The log file."),
    maxFileMb: about(positive(), "Size at which a new file is begun."),
    keepFiles: about(positive(), "Old files that are kept."),
    redactSensitive: about(z.enum(["off", "tools"]), "Whether tool output is searched for secrets too."),
    redactPatterns: about(names(), "Further patterns of secrets."),
  });
}

export function diagnosticsSchema() {
  return z.object({
    enabled: about(z.boolean(), "Whether traces are exported."),
    flags: about(names(), "Parts that log more."),
    otel: z
      .object({
        endpoint: about(z.string(), "Address of the collector."),
        headers: about(record(secret()).default({}), "Headers sent to it."),
        sampleRate: about(z.number().min(0).max(1).default(1), "Share of traces."),
      })
      .optional(),
  });
}
