/** The effective configuration of an empty file: what one gets who configures nothing. Pure. */
import { applyDefaults } from "./defaults/chain.ts";
import type { DefaultsContext } from "./defaults/draft.ts";
import { statePaths } from "./paths.ts";
import type { Config } from "./schema/root.ts";

/** Complete; a test holds it against the schema. */
export function defaultConfig(
  context: DefaultsContext = defaultsContext("/home/user", "/home/user/.openclaw"),
): Config {
  return applyDefaults({}, context) as Config;
}

export function defaultsContext(homeDir: string, stateDir: string): DefaultsContext {
  const { logFile, workspaceDir } = statePaths(stateDir);
  return { homeDir, stateDir, logFile, workspaceDir };
}
