/** A house for tests of commands: a state directory, a workspace, a folder of programs, and a desk over a store in memory. */
import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { Taint } from "../domain/taint.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import type { Log, LogFields } from "../platform/log.ts";
import { seededIds } from "../platform/seeded-ids.ts";
import type { DocumentStore } from "../store/document-port.ts";
import type { CommandVerdict, ExecAsk, ExecSecurity } from "./contract.ts";
import { createCommandDesk, type RunningCommandDesk } from "./desk.ts";
import { isExchangeable } from "./program/resolve-program.ts";
import type { ExecConfig } from "./settings.ts";

export interface World {
  readonly root: string;
  readonly stateDir: string;
  readonly workspace: string;
  readonly home: string;
  /** In the search path, and closed to others. */
  readonly bin: string;
  readonly clock: FakeClock;
  readonly documents: DocumentStore & { readonly values: Map<string, unknown> };
  readonly logged: { level: string; message: string; fields: LogFields | undefined }[];
  /** What the tests change. */
  readonly rules: {
    security: ExecSecurity;
    ask: ExecAsk;
    safeBins: string[];
    agents: ExecConfig["agents"]["list"][number][];
    host: Record<string, string>;
  };
  /** A fresh desk over the same store, as after a restart. */
  open(): RunningCommandDesk;
  readonly desk: RunningCommandDesk;
  judge(text: string, more?: JudgeMore): Promise<CommandVerdict>;
  /** An executable in `bin` or at a path; a shell script unless it says otherwise. */
  program(name: string, text?: string): Promise<string>;
  file(name: string, text: string): Promise<string>;
  link(target: string, name: string): Promise<void>;
  /** Makes the workspace a repository of git, with these lines more in its settings. */
  repository(settings?: string): Promise<void>;
  close(): Promise<void>;
}

export interface JudgeMore {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly taint?: readonly Taint[];
  readonly agentId?: string;
  readonly sandboxed?: boolean;
}

export const foreign: readonly Taint[] = [{ class: "foreign", source: "web page https://example.org/a" }];
export const local: readonly Taint[] = [{ class: "local", source: "file notes.md" }];

export async function createWorld(): Promise<World> {
  // Not below /tmp: whatever lies there can be exchanged by anybody, and is never allowed for good.
  const root = await realpath(await mkdtemp(path.join(await closedFolder(), ".exec-test-")));
  const [stateDir, home, bin] = ["state", "home", "bin"].map((name) => path.join(root, name)) as [
    string,
    string,
    string,
  ];
  const workspace = path.join(stateDir, "workspace");
  for (const folder of [stateDir, home, bin, workspace]) await mkdir(folder, { mode: 0o755 });
  const clock = new FakeClock();
  const documents = memoryDocuments();
  const logged: World["logged"] = [];
  const host = { HOME: home, PATH: `${bin}:/usr/bin:/bin`, USER: "ada", LANG: "C.UTF-8" };
  const rules: World["rules"] = { security: "allowlist", ask: "on-miss", safeBins: [], agents: [], host };
  const open = (): RunningCommandDesk =>
    createCommandDesk({
      documents,
      clock,
      ids: seededIds(7),
      log: recordingLog(logged),
      stateDir,
      gatewayPid: 4_242,
      hostEnvironment: () => rules.host,
      config: () => ({
        tools: { exec: { security: rules.security, ask: rules.ask, safeBins: rules.safeBins } },
        agents: { defaults: { workspace }, list: rules.agents },
      }),
    });
  const desk = open();
  const write = async (file: string, text: string, mode: number): Promise<string> => {
    await mkdir(path.dirname(file), { recursive: true, mode: 0o755 });
    await writeFile(file, text);
    await chmod(file, mode);
    return file;
  };
  return {
    root,
    stateDir,
    workspace,
    home,
    bin,
    clock,
    documents,
    logged,
    rules,
    open,
    desk,
    judge: (text, { cwd = workspace, env = {}, taint = [], agentId = "main", sandboxed = false } = {}) =>
      desk.judge({ agentId, act: { kind: "command", text, cwd, env }, taint, sandboxed, workspace }),
    program: (name, text = "#!/bin/sh\nexit 0\n") => write(path.resolve(bin, name), text, 0o755),
    file: (name, text) => write(path.resolve(workspace, name), text, 0o644),
    link: (target, name) => symlink(target, path.resolve(workspace, name)),
    repository: async (settings = "") => {
      for (const name of ["objects", "refs/heads"])
        await mkdir(path.join(workspace, ".git", name), { recursive: true });
      await write(path.join(workspace, ".git/HEAD"), "ref: refs/heads/main\n", 0o644);
      await write(path.join(workspace, ".git/config"), `[core]\n\trepositoryformatversion = 0\n${settings}`, 0o644);
    },
    close: () => rm(root, { recursive: true, force: true }),
  };
}

/** The first folder that nobody else can write to, all the way up: here, else in the home folder. */
async function closedFolder(): Promise<string> {
  for (const folder of [path.resolve(import.meta.dirname, "../../node_modules"), os.homedir()]) {
    const real = await realpath(folder).catch(() => null);
    if (real !== null && !(await isExchangeable(real, []))) return real;
  }
  return os.homedir();
}

export function memoryDocuments(): World["documents"] {
  const values = new Map<string, unknown>();
  const at = (namespace: string, key: string): string => `${namespace}/${key}`;
  return {
    values,
    get: async (namespace, key) => structuredClone(values.get(at(namespace, key))),
    list: async (namespace) =>
      [...values]
        .filter(([name]) => name.startsWith(`${namespace}/`))
        .map(([name, value]) => ({ key: name.slice(namespace.length + 1), value, atMs: 0 })),
    put: async (namespace, key, value) => void values.set(at(namespace, key), structuredClone(value)),
    delete: async (namespace, key) => void values.delete(at(namespace, key)),
  };
}

function recordingLog(lines: World["logged"]): Log {
  const at =
    (level: string) =>
    (message: string, fields?: LogFields): void =>
      void lines.push({ level, message, fields });
  const log: Log = {
    trace: at("trace"),
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    fatal: at("fatal"),
    child: () => log,
  };
  return log;
}
