/**
 * A container for one command, by Docker's own program. The daemon is reached by its usual socket alone: neither the
 * command's environment nor the gateway's says where it is or which program is meant.
 */
import { AppError } from "../domain/app-error.ts";
import type { ApprovedCommand } from "../domain/authority.ts";
import { limits } from "../domain/limits.ts";
import type { Ids } from "../platform/ids.ts";
import { run } from "../platform/subprocess.ts";
import { boxedEnv } from "./boxed-env.ts";
import type { BoxedCommand, Sandbox, SandboxBounds } from "./contract.ts";
import { checkedBounds, folderInBox, type MountRules } from "./mounts.ts";

export interface DockerParts {
  /** Absolute. */
  readonly docker: string;
  readonly version: string;
  readonly image: string;
  readonly readOnlyRoot: boolean;
  /** Null where the system has no such ids; the image's user is taken then. */
  readonly user: { readonly uid: number; readonly gid: number } | null;
  readonly rules: MountRules;
  readonly ids: Ids;
}

/** All that Docker's program itself is given. */
export const dockerEnv: Readonly<Record<string, string>> = Object.freeze({
  PATH: "/usr/bin:/bin",
  HOME: "/nonexistent",
});

export function createDocker(parts: DockerParts): Sandbox {
  return {
    kind: "docker",
    version: parts.version,
    limits: { memory: "box", processes: true, note: null },
    box: async (command, bounds) => await boxed(command, bounds, parts),
  };
}

async function boxed(command: ApprovedCommand, asked: SandboxBounds, parts: DockerParts): Promise<BoxedCommand> {
  // Docker follows a link in a source, so each is real, and none is where an agent can put one.
  const bounds = await checkedBounds(asked, parts.rules);
  const name = `openclaw-${parts.ids.hex(8)}`;
  const env = boxedEnv(command.env, { HOME: "/tmp", TMPDIR: "/tmp" });
  return {
    argv: [
      parts.docker,
      "run",
      "--rm",
      "--name",
      name,
      "--pull",
      "never",
      ...boundWords(bounds, parts),
      ...mountWords(bounds),
      "--workdir",
      folderInBox(command.cwd, bounds),
      // By name alone: the value is taken from the program's environment, and stands in no argument.
      ...Object.keys(env).flatMap((variable) => ["--env", variable]),
      // The image's own entry point would come before what was allowed.
      "--entrypoint",
      command.argv[0] ?? "",
      "--",
      parts.image,
      ...command.argv.slice(1),
    ],
    cwd: "/",
    env,
    release: async () => await removeContainer(parts.docker, name),
  };
}

function boundWords(bounds: SandboxBounds, { readOnlyRoot, user }: DockerParts): readonly string[] {
  const tmpBytes = limits.boxTmpMb * 1024 * 1024;
  return [
    "--network",
    bounds.network ? "bridge" : "none",
    ...(readOnlyRoot ? ["--read-only"] : []),
    "--tmpfs",
    `/tmp:rw,nosuid,nodev,size=${tmpBytes}`,
    "--cap-drop",
    "ALL",
    "--security-opt",
    "no-new-privileges",
    "--pids-limit",
    String(bounds.processes),
    "--memory",
    `${bounds.memoryMb}m`,
    "--memory-swap",
    `${bounds.memoryMb}m`,
    "--ulimit",
    `fsize=${bounds.fileMb * 1024 * 1024}`,
    "--ulimit",
    "core=0",
    ...(user === null ? [] : ["--user", `${user.uid}:${user.gid}`]),
    "--hostname",
    "box",
    "--init",
  ];
}

function mountWords({ workspace, workspaceAccess, binds }: SandboxBounds): readonly string[] {
  return [
    ...(workspaceAccess === "none" ? [] : mount(workspace, workspaceAccess)),
    ...binds.flatMap(({ path, access }) => mount(path, access)),
  ];
}

function mount(folder: string, access: "ro" | "rw"): readonly string[] {
  // `--mount` is a list with commas, and cannot say a folder that has one.
  if (/[",]/.test(folder)) {
    throw new AppError("SEC_007", `${JSON.stringify(folder)} cannot be mounted: Docker reads its name as a list.`);
  }
  return ["--mount", `type=bind,source=${folder},target=${folder}${access === "ro" ? ",readonly" : ""}`];
}

/** The program may end while its container goes on: the daemon is asked, and one that is gone already is as good. */
async function removeContainer(docker: string, name: string): Promise<void> {
  await run([docker, "rm", "--force", "--", name], {
    cwd: "/",
    env: dockerEnv,
    timeoutMs: limits.boxTrialMs,
    maxOutputBytes: 64 * 1024,
  }).catch(() => undefined);
}
