/** A text of a configuration judged without putting it in force, and two texts compared by what they mean. */
import { AppError } from "../domain/app-error.ts";
import type { ConfigIssue } from "./contract.ts";
import { changedPaths } from "./diff.ts";
import { interpret } from "./meaning/interpret.ts";
import { interpretOptions, type LoadOptions } from "./load.ts";
import type { Config } from "./schema/root.ts";

export interface TextVerdict {
  /** True where a gateway would start with it as it is. */
  readonly valid: boolean;
  readonly issues: readonly ConfigIssue[];
}

/** Includes are looked for beside the configuration file. Never throws for what the text says. */
export async function validateText(raw: string, options: LoadOptions): Promise<TextVerdict> {
  const meant = await interpret(options.environment.configPath, raw, interpretOptions(options));
  const errors = meant.issues.some((issue) => issue.severity === "error");
  return { valid: meant.config !== null && !errors, issues: meant.issues };
}

/** What a text means, complete, without putting it in force. Throws CFG_001–004 where it cannot be used as a whole. */
export async function configOfText(raw: string, options: LoadOptions): Promise<Config> {
  const meant = await interpret(options.environment.configPath, raw, interpretOptions(options));
  if (meant.config === null) throw meant.error ?? new AppError("CFG_004", "The configuration cannot be used.");
  return meant.config;
}

/** The effective paths in which two texts differ. Throws CFG_001–004 where one of them cannot be used. */
export async function diffText(before: string, after: string, options: LoadOptions): Promise<readonly string[]> {
  const using = interpretOptions(options);
  const meant = await Promise.all(
    [before, after].map((text) => interpret(options.environment.configPath, text, using)),
  );
  for (const one of meant) if (one.config === null && one.error !== null) throw one.error;
  return changedPaths(meant[0]?.config, meant[1]?.config);
}
