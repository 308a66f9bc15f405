/**
 * Looks for what can make a sandbox on this machine, on first use and not at the gateway's start. A program counts as found
 * when it has made a box: many systems have bubblewrap and forbid what it needs.
 */
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import path from "node:path";
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import type { Clock } from "../platform/clock.ts";
import type { Ids } from "../platform/ids.ts";
import { run, type RunResult } from "../platform/subprocess.ts";
import { boxArgv, createBubblewrap } from "./bubblewrap.ts";
import type { FoundSandbox, SandboxBounds } from "./contract.ts";
import { findControlGroups } from "./control-group.ts";
import { createDocker, dockerEnv } from "./docker.ts";
import type { MountRules } from "./mounts.ts";

export type SandboxBackend = "auto" | "bubblewrap" | "docker";

export interface WantedSandbox {
  readonly backend: SandboxBackend;
  /** Of the container; without one Docker cannot be used. */
  readonly image: string | undefined;
  readonly readOnlyRoot: boolean;
}

export interface SandboxFinderOptions {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly rules: MountRules;
  /** Where programs are looked for, in this order; never in a PATH that somebody else wrote. */
  readonly programFolders?: readonly string[];
}

export interface SandboxFinder {
  /** Looks once and remembers; what was not found is looked for again after a minute. Never throws. */
  find(wanted: WantedSandbox): Promise<FoundSandbox>;
}

// oxfmt-ignore
const usualFolders = ["/usr/bin", "/bin", "/usr/local/bin", "/run/current-system/sw/bin", "/opt/homebrew/bin"] as const;

export function createSandboxFinder(options: SandboxFinderOptions): SandboxFinder {
  const known = new Map<string, { readonly answer: Promise<FoundSandbox>; readonly atMs: number }>();
  return {
    async find(wanted) {
      const key = JSON.stringify([wanted.backend, wanted.image, wanted.readOnlyRoot]);
      const before = known.get(key);
      if (before !== undefined) {
        const answer = await before.answer;
        if (answer.found || options.clock.monotonicMs() - before.atMs < limits.boxRetryMs) return answer;
      }
      // The configuration names a handful of them; what is asked for by nobody any more need not stay.
      if (known.size >= limits.boxBinds) known.clear();
      const answer = look(wanted, options);
      known.set(key, { answer, atMs: options.clock.monotonicMs() });
      return await answer;
    },
  };
}

async function look(wanted: WantedSandbox, options: SandboxFinderOptions): Promise<FoundSandbox> {
  const whys: string[] = [];
  if (wanted.backend !== "docker") {
    const found = await guarded("bubblewrap", () => findBubblewrap(options));
    if (found.found) return found;
    whys.push(found.why);
  }
  if (wanted.backend !== "bubblewrap") {
    const found = await guarded("Docker", () => findDocker(wanted, options));
    if (found.found) return found;
    whys.push(found.why);
  }
  return { found: false, why: `${whys.join(", and ")}.` };
}

async function guarded(name: string, look: () => Promise<FoundSandbox>): Promise<FoundSandbox> {
  try {
    return await look();
  } catch (thrown) {
    return { found: false, why: `${name} could not be tried (${AppError.from(thrown).message})` };
  }
}

async function findBubblewrap({
  clock,
  ids,
  rules,
  programFolders = usualFolders,
}: SandboxFinderOptions): Promise<FoundSandbox> {
  if (process.platform !== "linux") return { found: false, why: "bubblewrap is for Linux alone" };
  const bwrap = await programIn(programFolders, "bwrap");
  if (bwrap === null) return { found: false, why: "bubblewrap is not installed" };
  const prlimit = await programIn(programFolders, "prlimit");
  if (prlimit === null) return { found: false, why: "prlimit, of util-linux, is not installed" };
  const version = firstLine((await tried([bwrap, "--version"], {})).stdout);
  let why = "";
  for (const forbidsNesting of [true, false]) {
    const parts = { bwrap, prlimit, forbidsNesting };
    const trial = await tried(await boxArgv(["/usr/bin/env", "true"], "/tmp", trialBounds, parts), {
      PATH: "/usr/bin:/bin",
    });
    if (trial.exitCode === 0) {
      const groups = await findControlGroups({ clock });
      const isRoot = process.getuid?.() === 0;
      return { found: true, sandbox: createBubblewrap({ ...parts, version, groups, isRoot, rules, ids }) };
    }
    why = firstLine(trial.stderr) || `it ended with ${trial.exitCode ?? trial.signal}`;
  }
  return { found: false, why: `${version || "bubblewrap"} cannot make a box here (${why})` };
}

const trialBounds: SandboxBounds = {
  workspace: "/nonexistent",
  workspaceAccess: "none",
  network: false,
  memoryMb: 256,
  processes: 64,
  fileMb: 1,
  binds: [],
};

async function findDocker(wanted: WantedSandbox, options: SandboxFinderOptions): Promise<FoundSandbox> {
  const { ids, rules, programFolders = usualFolders } = options;
  const docker = await programIn(programFolders, "docker");
  if (docker === null) return { found: false, why: "Docker is not installed" };
  if (wanted.image === undefined) {
    return { found: false, why: "Docker has no image (sandbox.docker.image is not set)" };
  }
  const asked = await tried([docker, "version", "--format", "{{.Server.Version}}"], dockerEnv);
  if (asked.exitCode !== 0) {
    return { found: false, why: `Docker's daemon does not answer (${firstLine(asked.stderr) || "without a word"})` };
  }
  const uid = process.getuid?.();
  const gid = process.getgid?.();
  const user = uid === undefined || gid === undefined ? null : { uid, gid };
  const version = `docker ${firstLine(asked.stdout)}`;
  const { readOnlyRoot, image } = wanted;
  return { found: true, sandbox: createDocker({ docker, version, image, readOnlyRoot, user, rules, ids }) };
}

async function tried(argv: readonly string[], env: Readonly<Record<string, string>>): Promise<RunResult> {
  return await run(argv, { cwd: "/", env, timeoutMs: limits.boxTrialMs, maxOutputBytes: 64 * 1024 });
}

/** Absolute, or null where no folder has it. */
export async function programIn(folders: readonly string[], name: string): Promise<string | null> {
  for (const folder of folders) {
    const file = path.join(folder, name);
    const isProgram = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isProgram) return file;
  }
  return null;
}

/** For people: one line, without control characters. */
function firstLine(bytes: Buffer): string {
  const line = bytes.toString("utf8", 0, 1_000).split("\n", 1)[0] ?? "";
  return line
    .replaceAll(/\p{Cc}/gu, " ")
    .slice(0, 200)
    .trim()
    .replace(/\.$/, "");
}
