/** A house with secrets around a workspace, and commands in a real box of bubblewrap in it. For tests. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import type { ApprovedCommand } from "../domain/authority.ts";
import { mintApprovedCommand } from "../domain/authority-mint.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import { systemIds } from "../platform/ids.ts";
import type { Sandbox, SandboxBounds } from "./contract.ts";
import { createSandboxFinder, type SandboxFinder } from "./find.ts";

/** Without bubblewrap nothing can be proved; where services are required, its absence is a failure. */
export const bubblewrapMissing = !existsSync("/usr/bin/bwrap") && process.env["OPENCLAW_TEST_SERVICES"] !== "required";

export interface BoxedHouse {
  readonly base: string;
  readonly home: string;
  readonly stateDir: string;
  readonly workspace: string;
  readonly canary: string;
  readonly finder: SandboxFinder;
  /** Throws where no box can be made, with the reason. */
  sandbox(): Promise<Sandbox>;
  bounds(part?: Partial<SandboxBounds>): SandboxBounds;
  close(): Promise<void>;
}

/** `under`: not `/tmp` by default, which is another in the box and would hide what is to be found out. */
export async function boxedHouse(under = "/var/tmp"): Promise<BoxedHouse> {
  const base = await realpath(await mkdtemp(path.join(under, "openclaw-box-")));
  const home = path.join(base, "home");
  const stateDir = path.join(home, ".openclaw");
  const workspace = path.join(stateDir, "workspace");
  const canary = path.join(base, "canary.txt");
  await mkdir(workspace, { recursive: true });
  await mkdir(path.join(home, ".ssh"));
  await mkdir(path.join(stateDir, "credentials"));
  await writeFile(canary, "the canary sings");
  await writeFile(path.join(home, ".ssh", "id_ed25519"), "the canary sings");
  await writeFile(path.join(stateDir, "gateway.token"), "the canary sings");
  const finder = createSandboxFinder({ clock: new FakeClock(0), ids: systemIds(), rules: { stateDir, home } });
  return {
    base,
    home,
    stateDir,
    workspace,
    canary,
    finder,
    async sandbox() {
      const found = await finder.find({ backend: "bubblewrap", image: undefined, readOnlyRoot: true });
      if (!found.found) throw new Error(`There is no box to prove anything with: ${found.why}`);
      return found.sandbox;
    },
    bounds: (part = {}) => ({
      workspace,
      workspaceAccess: "rw",
      network: false,
      memoryMb: 512,
      processes: 64,
      fileMb: 8,
      binds: [],
      ...part,
    }),
    close: async () => await rm(base, { recursive: true, force: true }),
  };
}

export function approved(
  argv: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): ApprovedCommand {
  return mintApprovedCommand({ argv, cwd, env: { PATH: "/usr/local/bin:/usr/bin:/bin", LANG: "C.UTF-8", ...env } });
}

export interface BoxedRun {
  readonly code: number | string | null;
  readonly output: string;
}

/** Runs the words in a box to their end. Both streams, output first. */
export async function runBoxed(
  house: BoxedHouse,
  argv: readonly string[],
  options: {
    readonly bounds?: Partial<SandboxBounds>;
    readonly env?: Readonly<Record<string, string>>;
    readonly cwd?: string;
  } = {},
): Promise<BoxedRun> {
  const sandbox = await house.sandbox();
  const command = approved(argv, options.cwd ?? house.workspace, options.env);
  const boxed = await sandbox.box(command, house.bounds(options.bounds));
  const [program = "", ...words] = boxed.argv;
  const { cwd, env } = boxed;
  try {
    return await new Promise((resolve) => {
      execFile(program, words, { cwd, env, timeout: 60_000, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : (error.code ?? error.signal ?? null), output: `${stdout}${stderr}` });
      });
    });
  } finally {
    await boxed.release();
  }
}

export async function shellBoxed(
  house: BoxedHouse,
  script: string,
  options: Parameters<typeof runBoxed>[2] = {},
): Promise<BoxedRun> {
  return await runBoxed(house, ["/bin/sh", "-c", script], options);
}
