/**
 * A box of namespaces: the system's programs read-only, the workspace as policy says, nothing else of the machine. It ends
 * with its command, and with the gateway. A box is made for one command and shared by none.
 */
import { lstat, readlink } from "node:fs/promises";
import { isErrno } from "../platform/atomic-file.ts";
import { limits } from "../domain/limits.ts";
import type { Ids } from "../platform/ids.ts";
import type { ApprovedCommand } from "../domain/authority.ts";
import { boxedEnv } from "./boxed-env.ts";
import type { BoxedCommand, Sandbox, SandboxBounds, SandboxLimits } from "./contract.ts";
import type { ControlGroup, ControlGroups } from "./control-group.ts";
import { checkedBounds, folderInBox, type MountRules } from "./mounts.ts";

export interface BubblewrapParts {
  /** Absolute paths. `prlimit` is of util-linux and is run inside. */
  readonly bwrap: string;
  readonly prlimit: string;
  readonly version: string;
  /** Whether namespaces in the box can be forbidden (bubblewrap 0.8 and newer). */
  readonly forbidsNesting: boolean;
  readonly groups: ControlGroups | null;
  readonly isRoot: boolean;
  readonly rules: MountRules;
  readonly ids: Ids;
}

export function createBubblewrap(parts: BubblewrapParts): Sandbox {
  return {
    kind: "bubblewrap",
    version: parts.version,
    limits: enforced(parts),
    async box(command, bounds) {
      const checked = await checkedBounds(bounds, parts.rules);
      return await boxed(command, checked, parts);
    },
  };
}

/** Words that make a box around others. `bounds` are taken as they are: whoever calls has checked the mounts. */
export async function boxArgv(
  words: readonly string[],
  cwd: string,
  bounds: SandboxBounds,
  parts: Pick<BubblewrapParts, "bwrap" | "prlimit" | "forbidsNesting">,
): Promise<readonly string[]> {
  return [
    parts.bwrap,
    "--unshare-all",
    ...(bounds.network ? ["--share-net"] : []),
    ...(parts.forbidsNesting ? ["--unshare-user", "--disable-userns"] : []),
    "--die-with-parent",
    "--new-session",
    "--cap-drop",
    "ALL",
    "--hostname",
    "box",
    ...(await systemMounts()),
    ...etcMounts(bounds.network),
    "--proc",
    "/proc",
    "--dev",
    "/dev",
    ...sizedTmp("/dev/shm"),
    "--remount-ro",
    "/dev",
    ...sizedTmp("/tmp"),
    "--symlink",
    "../tmp",
    "/var/tmp",
    ...workspaceMount(bounds),
    // Where the gateway is root, so is the box in the kernel's eyes: it could write settings that hold for the machine.
    "--remount-ro",
    "/proc",
    ...bounds.binds.flatMap(({ path, access }) => [access === "rw" ? "--bind" : "--ro-bind", path, path]),
    // The root is a file system in memory that nobody measures.
    "--remount-ro",
    "/",
    "--chdir",
    cwd,
    "--",
    ...limitWords(bounds, parts.prlimit),
    ...words,
  ];
}

async function boxed(command: ApprovedCommand, bounds: SandboxBounds, parts: BubblewrapParts): Promise<BoxedCommand> {
  const argv = await boxArgv(command.argv, folderInBox(command.cwd, bounds), bounds, parts);
  const group = await parts.groups?.make(parts.ids.hex(8), bounds);
  return {
    argv: group === undefined ? argv : joining(group, argv),
    cwd: "/",
    env: boxedEnv(command.env, { HOME: "/tmp", TMPDIR: "/tmp" }),
    release: async () => await group?.remove(),
  };
}

/** Steps into the group and becomes the box: the script is fixed, and what it runs are its arguments. */
function joining(group: ControlGroup, argv: readonly string[]): readonly string[] {
  const script = 'while [ "$1" != -- ]; do echo $$ >"$1" || exit 125; shift; done; shift; exec "$@"';
  return ["/bin/sh", "-c", script, "openclaw-box", ...group.doors, "--", ...argv];
}

function enforced({ groups, isRoot }: BubblewrapParts): SandboxLimits {
  const memory = groups?.memory === true ? "box" : "process";
  const processes = !isRoot || groups?.processes === true;
  if (!processes) {
    return {
      memory,
      processes,
      note: "The number of processes is not bounded: the gateway runs as root and may make no control group.",
    };
  }
  const note = "Memory is bounded for each process and not for the box: the gateway may make no control group.";
  return { memory, processes, note: memory === "box" ? null : note };
}

/** Nothing of a limit can be raised inside: the right to it is dropped. */
function limitWords(bounds: SandboxBounds, prlimit: string): readonly string[] {
  const memory = bounds.memoryMb * 1024 * 1024;
  const file = bounds.fileMb * 1024 * 1024;
  return [
    prlimit,
    // Private writable memory. The address space would be the wrong measure: V8 and Go reserve far more than they use.
    `--data=${memory}:${memory}`,
    `--nproc=${bounds.processes}:${bounds.processes}`,
    `--fsize=${file}:${file}`,
    "--core=0:0",
    "--nofile=4096:4096",
    "--",
  ];
}

function workspaceMount({ workspace, workspaceAccess }: SandboxBounds): readonly string[] {
  if (workspaceAccess === "none") return [];
  return [workspaceAccess === "rw" ? "--bind" : "--ro-bind", workspace, workspace];
}

function sizedTmp(folder: string): readonly string[] {
  return ["--size", String(limits.boxTmpMb * 1024 * 1024), "--tmpfs", folder];
}

const linkedFolders = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"] as const;

/** Programs and libraries. On most systems the short names are links into `/usr`, and are so in the box. */
async function systemMounts(): Promise<readonly string[]> {
  const words = ["--ro-bind", "/usr", "/usr"];
  for (const folder of linkedFolders) {
    const target = await linkTarget(folder);
    if (target === "folder") words.push("--ro-bind", folder, folder);
    else if (target !== null) words.push("--symlink", target, folder);
  }
  return words;
}

/** `folder` where it is one, null where it is not there. */
async function linkTarget(folder: string): Promise<string | null> {
  try {
    return (await lstat(folder)).isSymbolicLink() ? await readlink(folder) : "folder";
  } catch (error) {
    if (isErrno(error, "ENOENT")) return null;
    throw error;
  }
}

/** What programs look up about the system and that holds no secret. */
// oxfmt-ignore
const etcAlways = [
  "passwd", "group", "nsswitch.conf", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "timezone",
  "alternatives", "os-release", "debian_version", "magic", "mime.types", "protocols", "services", "terminfo", "fonts",
  "java", "perl", "python3",
];
const etcNetwork = [
  "resolv.conf",
  "hosts",
  "host.conf",
  "ssl/certs",
  "ssl/openssl.cnf",
  "pki/tls/certs",
  "ca-certificates",
];

function etcMounts(network: boolean): readonly string[] {
  const names = network ? [...etcAlways, ...etcNetwork] : etcAlways;
  return names.flatMap((name) => ["--ro-bind-try", `/etc/${name}`, `/etc/${name}`]);
}
