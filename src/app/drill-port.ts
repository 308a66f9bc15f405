/** What `openclaw drill` is given: the program, a look at the user's configuration, and the store of a gateway that ended. */
import path from "node:path";
import { fileURLToPath } from "node:url";
import { createConfigAccess } from "../config/access.ts";
import type { Environment } from "../config/environment.ts";
import { statePaths } from "../config/paths.ts";
import type { DrillPort } from "../drill/crash/port.ts";
import { repeatLabel } from "../outbound/part/render-part.ts";
import { systemClock } from "../platform/clock.ts";
import { silentLog } from "../platform/log.ts";
import { openSqliteStore } from "../store/sqlite/open-store.ts";
import { channelSettings } from "./channel-settings.ts";
import { collectEvidence } from "./drill-evidence.ts";
import { version } from "./version.ts";

/** Reads the configuration and changes nothing. Throws what loading it throws. */
export async function openDrillPort(environment: Environment): Promise<DrillPort> {
  const log = silentLog();
  const config = await createConfigAccess({ environment, ...channelSettings(), version, clock: systemClock(), log });
  try {
    return {
      program: [process.execPath, programFile()],
      path: environment.variables["PATH"] ?? "",
      version,
      repeatLabel,
      written: config.current().parsed,
      secrets: config.secrets(),
      async evidence(stateDir, said) {
        const store = await openSqliteStore({ file: statePaths(stateDir).storeFile, log });
        try {
          return await collectEvidence(store, said);
        } finally {
          await store.close();
        }
      },
    };
  } finally {
    await config.close();
  }
}

/** Beside the bundle, and beside the source. */
function programFile(): string {
  const here = path.dirname(fileURLToPath(import.meta.url));
  const root = import.meta.url.endsWith(".ts") ? path.join(here, "..", "..") : path.join(here, "..");
  return path.join(root, "bin", "openclaw.mjs");
}
