/** The configuration file judged without a gateway: what is wrong with it, and what it says. Secrets are hidden. */
import path from "node:path";
import { createConfigAccess } from "../config/access.ts";
import type { ConfigIssue } from "../config/contract.ts";
import type { Environment } from "../config/environment.ts";
import { silentLog } from "../platform/log.ts";
import { channelSettings } from "./channel-settings.ts";
import { openSecrets } from "./secrets.ts";
import { version } from "./version.ts";

export interface CheckedConfig {
  readonly path: string;
  readonly exists: boolean;
  readonly issues: readonly ConfigIssue[];
  readonly logFile: string;
  /** What is written, includes followed; every secret replaced. */
  readonly written: unknown;
}

/** Throws CFG_003 or CFG_004 where a gateway would refuse to start with it. */
export async function checkConfig(environment: Environment, file: string | undefined): Promise<CheckedConfig> {
  const asked = file === undefined ? environment : { ...environment, configPath: path.resolve(file) };
  const config = await createConfigAccess({
    environment: asked,
    ...channelSettings(),
    version,
    log: silentLog(),
    secrets: openSecrets({ environment }).source,
  });
  try {
    const snapshot = config.current();
    return {
      path: snapshot.path,
      exists: snapshot.exists,
      issues: snapshot.issues,
      logFile: snapshot.config.logging.file,
      written: config.redact(snapshot.parsed),
    };
  } finally {
    await config.close();
  }
}
