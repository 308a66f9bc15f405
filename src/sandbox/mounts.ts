/**
 * Which folders may be seen from a sandbox. Judges the real path, never the name: a link to the home folder is the home
 * folder. Whatever holds keys, the state of the house or a way to its daemons is refused with SEC_007.
 */
import { lstat, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { AppError } from "../domain/app-error.ts";
import { isErrno } from "../platform/atomic-file.ts";
import { isInside } from "../platform/safe-path.ts";
import type { SandboxBounds } from "./contract.ts";

export interface MountRules {
  /** Both absolute; links in them are followed here. */
  readonly stateDir: string;
  readonly home: string;
}

/** Places of the system that are no folders of a person's, or that a daemon listens in. */
const systemPlaces = ["/proc", "/sys", "/dev", "/run", "/var/run", "/boot", "/etc", "/var/lib/docker"] as const;

/** Where programs keep keys, in whosever home. */
// oxfmt-ignore
const keyPlaces: ReadonlySet<string> = new Set([
  ".ssh", ".aws", ".gnupg", ".azure", ".kube", ".docker", ".gcloud", ".config", ".local", ".npmrc", ".netrc", ".pki",
  ".password-store", ".mozilla", ".openclaw",
]);

const daemonSockets = ["docker.sock", "podman.sock", "podman/podman.sock", "containerd.sock"] as const;

/** The real path of a workspace. Throws SEC_007 where it may not be mounted. */
export async function mountableWorkspace(folder: string, rules: MountRules): Promise<string> {
  const real = await realFolder(folder);
  const { stateDir, home } = await realRules(rules);
  await refuseEverywhere(real, { stateDir, home });
  const inState = path.relative(stateDir, real).split(path.sep)[0] ?? "";
  if (isInside(stateDir, real)) {
    // The house's own workspaces lie beside its secrets; nothing else of that folder does in a sandbox.
    if (!inState.startsWith("workspace")) throw refused(folder, "lies in the state directory");
    return real;
  }
  refuseKeys(real, folder);
  return real;
}

/** The real path of another folder. Throws SEC_007 where it may not be mounted. */
export async function mountableFolder(folder: string, workspace: string, rules: MountRules): Promise<string> {
  const real = await realFolder(folder);
  const { stateDir, home } = await realRules(rules);
  await refuseEverywhere(real, { stateDir, home });
  if (isInside(stateDir, real)) throw refused(folder, "lies in the state directory");
  // What the agent can write it can exchange for a link between this look and the mount.
  if (isInside(workspace, real) || isInside(real, workspace)) throw refused(folder, "and the workspace overlap");
  refuseKeys(real, folder);
  const hidden = path.relative(home, real).split(path.sep)[0] ?? "";
  if (isInside(home, real) && hidden.startsWith(".")) throw refused(folder, "is a hidden folder of the home directory");
  return real;
}

/** The same bounds by real paths. Throws SEC_007 where one of them may not be mounted. */
export async function checkedBounds(bounds: SandboxBounds, rules: MountRules): Promise<SandboxBounds> {
  const workspace =
    bounds.workspaceAccess === "none" ? bounds.workspace : await mountableWorkspace(bounds.workspace, rules);
  const binds: SandboxBounds["binds"][number][] = [];
  for (const bind of bounds.binds) {
    binds.push({ path: await mountableFolder(bind.path, workspace, rules), access: bind.access });
  }
  return { ...bounds, workspace, binds };
}

/** Where a command stands in a box: in its folder where that is there, else in the box's own. */
export function folderInBox(cwd: string, { workspace, workspaceAccess }: SandboxBounds): string {
  return workspaceAccess !== "none" && isInside(workspace, cwd) ? cwd : "/tmp";
}

async function refuseEverywhere(real: string, { stateDir, home }: MountRules): Promise<void> {
  if (real === path.parse(real).root) throw refused(real, "is the whole file system");
  if (isInside(real, stateDir)) throw refused(real, "holds the state directory");
  if (isInside(real, home)) throw refused(real, "holds the home directory");
  for (const place of systemPlaces) {
    if (isInside(place, real) || isInside(real, place)) throw refused(real, "is a place of the system");
  }
  for (const socket of daemonSockets) {
    if (await isThere(path.join(real, socket))) throw refused(real, "holds the socket of a container daemon");
  }
}

function refuseKeys(real: string, folder: string): void {
  const key = real.split(path.sep).find((segment) => keyPlaces.has(segment));
  if (key !== undefined) throw refused(folder, `lies in ${key}, where programs keep keys`);
}

async function realFolder(folder: string): Promise<string> {
  // oxlint-disable-next-line eslint/no-control-regex -- NUL and line breaks are what it refuses.
  if (!path.isAbsolute(folder) || /[\u0000-\u001f\u007f]/.test(folder)) throw refused(folder, "is no absolute path");
  try {
    const real = await realpath(folder);
    if ((await stat(real)).isDirectory()) return real;
  } catch (cause) {
    throw refused(folder, "cannot be read", cause);
  }
  throw refused(folder, "is no folder");
}

async function realRules({ stateDir, home }: MountRules): Promise<MountRules> {
  return { stateDir: await realOr(stateDir), home: await realOr(home) };
}

async function realOr(folder: string): Promise<string> {
  try {
    return await realpath(folder);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return path.resolve(folder);
    throw refused(folder, "cannot be read", error);
  }
}

async function isThere(file: string): Promise<boolean> {
  try {
    await lstat(file);
    return true;
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return false;
    throw refused(file, "cannot be read", error);
  }
}

function refused(folder: string, why: string, cause?: unknown): AppError {
  return new AppError(
    "SEC_007",
    `${JSON.stringify(folder.slice(0, 200))} cannot be mounted into a sandbox: it ${why}.`,
    cause === undefined ? {} : { cause },
  );
}
