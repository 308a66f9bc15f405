/** The configuration file changed without a gateway: by the gateway's writer, under the gateway's lock. */
import { createConfigAccess } from "../config/access.ts";
import type { ConfigIssue } from "../config/contract.ts";
import { getAt, parsePath } from "../config/dot-path.ts";
import type { Environment } from "../config/environment.ts";
import { systemClock } from "../platform/clock.ts";
import { acquireGatewayLock } from "../platform/gateway-lock.ts";
import { silentLog } from "../platform/log.ts";
import { channelSettings } from "./channel-settings.ts";
import { openSecrets } from "./secrets.ts";
import { version } from "./version.ts";

export interface ConfigFile {
  /** What would be in force, secrets hidden; undefined where nothing is set. */
  get(path?: string): Promise<unknown>;
  /** Undefined removes. */
  set(path: string, value: unknown): Promise<void>;
  schema(): Promise<unknown>;
  /** What is wrong with the file as it is now. */
  issues(): Promise<readonly ConfigIssue[]>;
  close(): Promise<void>;
}

/** Throws STORE_005 where a gateway runs after all. */
export async function openConfigFile(environment: Environment): Promise<ConfigFile> {
  const clock = systemClock();
  const lock = await acquireGatewayLock(environment.stateDir, { clock });
  try {
    const config = await createConfigAccess({
      environment,
      ...channelSettings(),
      version,
      clock,
      log: silentLog(),
      secrets: openSecrets({ environment, clock }).source,
    });
    return {
      get: (path) =>
        Promise.resolve(path === undefined ? config.redacted() : getAt(config.redacted(), parsePath(path))),
      set: async (path, value) => void (await config.write({ kind: "set", path, value })),
      schema: () => Promise.resolve(config.schema()),
      issues: () => Promise.resolve(config.current().issues),
      async close() {
        await config.close();
        await lock.release();
      },
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}
