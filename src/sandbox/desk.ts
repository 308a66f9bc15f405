/**
 * Where the commands of a session run: by the configuration and the kind of session alone. What asks for a sandbox and
 * finds none is refused; it never runs outside instead.
 */
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import { isSandboxed } from "../config/sandboxed.ts";
import type { Config } from "../config/schema/root.ts";
import type { BoxChoice, SandboxBounds, SandboxDesk } from "./contract.ts";
import type { SandboxFinder, WantedSandbox } from "./find.ts";

type SandboxConfig = Pick<Config, "agents" | "session">;
export type SandboxSettings = Config["agents"]["defaults"]["sandbox"];

export interface SandboxDeskOptions {
  /** What is in force now. */
  readonly config: () => SandboxConfig;
  readonly finder: SandboxFinder;
}

export function createSandboxDesk({ config, finder }: SandboxDeskOptions): SandboxDesk {
  return {
    async choose(session): Promise<BoxChoice> {
      const now = config();
      if (!isSandboxed(now, session)) return { kind: "open" };
      const settings = sandboxSettings(now, session.agentId);
      const answer = await finder.find(wantedSandbox(settings));
      if (!answer.found) return { kind: "refused", why: answer.why };
      const bounds = boundsOf(settings, session.workspace, answer.sandbox.kind);
      return { kind: "box", sandbox: answer.sandbox, bounds };
    },
  };
}

/** Of one agent, over what all have. */
export function sandboxSettings({ agents }: Pick<Config, "agents">, agentId: string): SandboxSettings {
  const all = agents.defaults.sandbox;
  const own = agents.list.find(({ id }) => id === agentId)?.sandbox;
  if (own === undefined) return all;
  const merged = { ...all, ...Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined)) };
  return own.docker === undefined ? merged : { ...merged, docker: { ...all.docker, ...own.docker } };
}

export function wantedSandbox({ backend = "auto", docker }: SandboxSettings): WantedSandbox {
  return { backend, image: docker?.image, readOnlyRoot: docker?.readOnlyRoot ?? true };
}

export function boundsOf(settings: SandboxSettings, workspace: string, kind: "bubblewrap" | "docker"): SandboxBounds {
  const { docker } = settings;
  const inDocker = kind === "docker";
  const binds = [...(settings.binds ?? []), ...(inDocker ? (docker?.binds ?? []) : [])];
  if (binds.length > limits.boxBinds) {
    throw new AppError("SEC_007", `More than ${limits.boxBinds} folders cannot be mounted into a sandbox.`);
  }
  return {
    workspace,
    workspaceAccess: settings.workspaceAccess,
    network: inDocker ? docker?.network === "bridge" : settings.network === true,
    memoryMb: (inDocker ? docker?.memoryMb : undefined) ?? settings.memoryMb ?? limits.boxMemoryMb,
    processes: settings.processes ?? limits.boxProcesses,
    fileMb: settings.fileMb ?? limits.boxFileMb,
    binds: binds.map(bindOf),
  };
}

/** `/data` or `/data:rw`; `:ro` may be said. A longer form, with another place in the box, is not known. */
function bindOf(text: string): SandboxBounds["binds"][number] {
  const [, path = text, access = "ro"] = /^(.*?)(?::(ro|rw))?$/s.exec(text) ?? [];
  if (path.includes(":")) {
    throw new AppError("SEC_007", `${JSON.stringify(text)} is no folder to mount: write /folder or /folder:rw.`);
  }
  return { path, access: access === "rw" ? "rw" : "ro" };
}
