/** Where everything of one gateway lives. Nothing else joins names onto the state directory. Pure: makes no folder. */
import path from "node:path";

export interface StatePaths {
  readonly stateDir: string;
  readonly configFile: string;
  /** The copy of the last configuration that loaded without an error. */
  readonly lastGoodFile: string;
  readonly envFile: string;
  readonly storeFile: string;
  readonly tokenFile: string;
  readonly logFile: string;
  readonly mediaDir: string;
  readonly workspaceDir: string;
  readonly backupsDir: string;
  /** Held by the one gateway that uses this directory. */
  readonly lockFile: string;
  readonly credentialsDir: string;
  /** Skill packs that were installed for every agent. */
  readonly skillsDir: string;
  readonly pluginsDir: string;
  readonly tmpDir: string;
}

export function statePaths(stateDir: string, configFile = path.join(stateDir, "openclaw.json")): StatePaths {
  const inside = (...names: string[]): string => path.join(stateDir, ...names);
  return Object.freeze({
    stateDir,
    configFile,
    lastGoodFile: `${configFile}.last-good`,
    envFile: inside(".env"),
    storeFile: inside("state", "openclaw.sqlite"),
    tokenFile: inside("gateway.token"),
    logFile: inside("logs", "openclaw.log"),
    mediaDir: inside("media"),
    workspaceDir: inside("workspace"),
    backupsDir: inside("backups"),
    lockFile: inside("gateway.lock"),
    credentialsDir: inside("credentials"),
    skillsDir: inside("skills"),
    pluginsDir: inside("plugins"),
    tmpDir: inside("tmp"),
  });
}
