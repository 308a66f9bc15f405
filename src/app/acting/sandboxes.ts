/** Brings together what commands run in: the desk that decides, what is found on the machine, and how both stand. */
import { statePaths } from "../../config/paths.ts";
import type { Config } from "../../config/schema/root.ts";
import { workspaceOf } from "../../config/workspace.ts";
import { AppError } from "../../domain/app-error.ts";
import { agentIdsOf } from "../../inbound/route.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Ids } from "../../platform/ids.ts";
import type { ResultOf } from "../../protocol/method.ts";
import type { sandboxStatus } from "../../protocol/methods/sandbox.ts";
import type { FoundSandbox, SandboxDesk } from "../../sandbox/contract.ts";
import { boundsOf, createSandboxDesk, sandboxSettings, wantedSandbox } from "../../sandbox/desk.ts";
import type { SandboxFinder } from "../../sandbox/find.ts";
import type { MountRules } from "../../sandbox/mounts.ts";

export type SandboxView = ResultOf<typeof sandboxStatus>["agents"][number];

export interface Sandboxes {
  readonly desk: SandboxDesk;
  /** Of each agent. Looks at the machine where nobody did yet; never throws. */
  status(): Promise<readonly SandboxView[]>;
}

export interface SandboxesOptions {
  readonly stateDir: string;
  readonly home: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly config: () => Config;
}

export function createSandboxes({ stateDir, home, clock, ids, config }: SandboxesOptions): Sandboxes {
  const rules: MountRules = { stateDir: statePaths(stateDir).stateDir, home };
  let loading: Promise<SandboxFinder> | undefined;
  // What looks is loaded when somebody asks: most gateways start without one.
  const finder: SandboxFinder = {
    async find(wanted) {
      loading ??= import("../../sandbox/find.ts").then(({ createSandboxFinder }) =>
        createSandboxFinder({ clock, ids, rules }),
      );
      return await (await loading).find(wanted);
    },
  };
  return {
    desk: createSandboxDesk({ config, finder }),
    async status() {
      const now = config();
      const views: SandboxView[] = [];
      for (const agentId of agentIdsOf(now)) views.push(await viewOf(agentId, now, { finder, rules }));
      return views;
    },
  };
}

async function viewOf(
  agentId: string,
  config: Config,
  parts: { readonly finder: SandboxFinder; readonly rules: MountRules },
): Promise<SandboxView> {
  const settings = sandboxSettings(config, agentId);
  const { mode, workspaceAccess, network = false, memoryMb = 0 } = settings;
  const found = await parts.finder.find(wantedSandbox(settings));
  const view = { agentId, mode, workspaceAccess, network, memoryMb, sandbox: shown(found), trouble: null };
  try {
    const kind = found.found ? found.sandbox.kind : "bubblewrap";
    const bounds = boundsOf(settings, workspaceOf(config, agentId), kind);
    const trouble = mode === "off" ? null : await mountTrouble(bounds, parts.rules);
    return { ...view, network: bounds.network, memoryMb: bounds.memoryMb, trouble };
  } catch (thrown) {
    return { ...view, trouble: AppError.from(thrown).message };
  }
}

/** The same look as before each command: what would be refused then is said now. */
async function mountTrouble(bounds: ReturnType<typeof boundsOf>, rules: MountRules): Promise<string | null> {
  const { checkedBounds } = await import("../../sandbox/mounts.ts");
  const { ensurePrivateDir } = await import("../../platform/atomic-file.ts");
  if (bounds.workspaceAccess !== "none") await ensurePrivateDir(bounds.workspace);
  await checkedBounds(bounds, rules);
  return null;
}

function shown(found: FoundSandbox): SandboxView["sandbox"] {
  if (!found.found) return found;
  const { kind, version, limits } = found.sandbox;
  return { found: true, kind, version, ...limits };
}
