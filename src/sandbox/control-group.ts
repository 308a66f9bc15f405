/**
 * A control group for each box, where the gateway may make one: the only bound on memory and processes that holds for all
 * of a box together, and for a gateway that is root at all. Version 1 and 2 of the kernel's interface.
 */
import { mkdir, readdir, readFile, rmdir, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Clock, Timer } from "../platform/clock.ts";
import { isErrno } from "../platform/atomic-file.ts";
import { isRunning } from "../platform/process-identity.ts";

export interface GroupBounds {
  readonly memoryMb: number;
  readonly processes: number;
}

export interface ControlGroups {
  readonly memory: boolean;
  readonly processes: boolean;
  /** Makes a group. Throws what the file system throws. */
  make(id: string, bounds: GroupBounds): Promise<ControlGroup>;
}

export interface ControlGroup {
  /** Files to which a process writes its id to be in the group with all it starts. */
  readonly doors: readonly string[];
  /** Takes the empty group away; one that is not empty is left, and is taken away with a later one. Never throws. */
  remove(): Promise<void>;
}

interface Tree {
  readonly folder: string;
  readonly version: 1 | 2;
  readonly controllers: readonly ("memory" | "pids")[];
}

const namePrefix = "openclaw-box-";

export interface GroupPlaces {
  readonly clock: Clock;
  /** Where the kernel shows them, and where it says in which this process is. */
  readonly root?: string;
  readonly own?: string;
}

/** Null where no group can be made. */
export async function findControlGroups({
  clock,
  root = "/sys/fs/cgroup",
  own = "/proc/self/cgroup",
}: GroupPlaces): Promise<ControlGroups | null> {
  const graves = new Graves(clock);
  const trees: Tree[] = [];
  for (const tree of await candidates(root, own)) {
    if (!(await works(tree, graves))) continue;
    trees.push(tree);
    await sweepFolder(tree.folder);
  }
  const has = (controller: "memory" | "pids"): boolean =>
    trees.some(({ controllers }) => controllers.includes(controller));
  if (trees.length === 0) return null;
  return {
    memory: has("memory"),
    processes: has("pids"),
    make: (id, bounds) => makeGroup(trees, `${namePrefix}${process.pid}-${id}`, bounds, graves),
  };
}

/** The trees that this process is in, by `hierarchy:controllers:path` lines. */
async function candidates(root: string, own: string): Promise<readonly Tree[]> {
  let lines: readonly string[];
  try {
    lines = (await readFile(own, "utf8")).split("\n");
  } catch {
    // No such system: not Linux, or a kernel without them.
    return [];
  }
  return lines.flatMap((line): Tree[] => {
    const [, names = "", place = ""] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (place === "") return [];
    if (names === "") return [{ folder: path.join(root, place), version: 2, controllers: ["memory", "pids"] }];
    return (["memory", "pids"] as const)
      .filter((controller) => names.split(",").includes(controller))
      .map((controller) => ({ folder: path.join(root, controller, place), version: 1, controllers: [controller] }));
  });
}

/** Tried with a group that is taken away at once: rights and delegation are seen no other way. */
async function works(tree: Tree, graves: Graves): Promise<boolean> {
  const name = `openclaw-trial-${process.pid}`;
  try {
    const group = await makeGroup([tree], name, { memoryMb: 64, processes: 16 }, graves);
    await group.remove();
    return true;
  } catch {
    // Read-only, somebody else's, or without the controllers: a box does without it, and says so.
    return false;
  }
}

async function makeGroup(
  trees: readonly Tree[],
  name: string,
  bounds: GroupBounds,
  graves: Graves,
): Promise<ControlGroup> {
  const folders: string[] = [];
  const remove = async (): Promise<void> => await graves.dig(folders);
  try {
    for (const tree of trees) {
      const folder = path.join(tree.folder, name);
      await mkdir(folder);
      folders.push(folder);
      for (const [file, value, isNeeded] of settings(tree, bounds)) {
        const target = path.join(folder, file);
        if (!isNeeded && !(await isThere(target))) continue;
        // `r+`: on a kernel without the controller the file must not be made.
        await writeFile(target, value, { flag: "r+" });
      }
    }
  } catch (error) {
    await remove();
    throw error;
  }
  return { doors: folders.map((folder) => path.join(folder, "cgroup.procs")), remove };
}

function settings(tree: Tree, bounds: GroupBounds): readonly (readonly [string, string, boolean])[] {
  const bytes = String(bounds.memoryMb * 1024 * 1024);
  const memory: readonly (readonly [string, string, boolean])[] =
    tree.version === 2
      ? [
          ["memory.max", bytes, true],
          ["memory.swap.max", "0", false],
          ["memory.oom.group", "1", false],
        ]
      : [
          ["memory.limit_in_bytes", bytes, true],
          ["memory.memsw.limit_in_bytes", bytes, false],
        ];
  const pids: readonly (readonly [string, string, boolean])[] = [["pids.max", String(bounds.processes), true]];
  return [...(tree.controllers.includes("memory") ? memory : []), ...(tree.controllers.includes("pids") ? pids : [])];
}

const laterMs = 100;

/** Folders of groups that ended, until the kernel lets go of them. */
class Graves {
  readonly #clock: Clock;
  readonly #open = new Set<string>();
  #later: Timer | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async dig(folders: readonly string[]): Promise<void> {
    for (const folder of folders) this.#open.add(folder);
    for (const folder of this.#open) {
      if (await removeFolder(folder)) this.#open.delete(folder);
    }
    if (this.#open.size === 0) return;
    this.#later?.cancel();
    this.#later = this.#clock.after(laterMs, () => void this.dig([]));
  }
}

/** False where it is still busy: the kernel buries the last of a group a moment after its end is told. */
async function removeFolder(folder: string): Promise<boolean> {
  try {
    await rmdir(folder);
    return true;
  } catch (error) {
    // Any other reason will not be mended by asking again.
    return !isErrno(error, "EBUSY", "ENOTEMPTY");
  }
}

/** Empty groups of a gateway that is gone. */
async function sweepFolder(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const [, pid] = /^openclaw-box-(\d+)-/.exec(name) ?? [];
    // A group that was just made is empty too, until its box steps in.
    if (pid === undefined || (await isRunning({ pid: Number(pid), startTicks: null }))) continue;
    await removeFolder(path.join(folder, name));
  }
}

async function isThere(file: string): Promise<boolean> {
  return await stat(file).then(
    () => true,
    () => false,
  );
}
