/** Layer 2: the log lies in the state directory, and the console is as talkative as the file unless it is told otherwise. */
import { fill, type ConfigDraft, type DefaultsContext } from "./draft.ts";

export function loggingDefaults(draft: ConfigDraft, context: DefaultsContext): ConfigDraft {
  const level = draft.logging?.level ?? "info";
  return fill<ConfigDraft>(draft, {
    logging: {
      level,
      consoleLevel: level,
      consoleStyle: "pretty",
      file: context.logFile,
      maxFileMb: 20,
      keepFiles: 5,
      redactSensitive: "tools",
      redactPatterns: [],
    },
  });
}
