/** The gateway's side of a drill: what the variable asks for, where the state directory says that a drill made it. */
import type { Failpoints } from "../platform/failpoints.ts";
import { isDrillFolder } from "./drill-folder.ts";
import { parseDrillPlan, plannedFailpoints } from "./failpoint-plan.ts";
import { allowLoopbackOnly } from "./loopback-only.ts";

export interface PlantedDrill {
  readonly failpoints: Failpoints;
  readonly clockOffsetMs: number;
  readonly leaseMs?: number;
}

/** What the parent looks for in the child's output. */
export const refusedMark = "drill: refused to reach ";

/** Null where no drill made the folder: the variable then means nothing. Throws SYS_003 where the text is no plan. */
export async function plantDrill(
  plan: string,
  stateDir: string,
  say: (text: string) => void,
): Promise<PlantedDrill | null> {
  if (!(await isDrillFolder(stateDir))) {
    say(`OPENCLAW_DRILL_FAILPOINT has no effect: ${stateDir} was not made by openclaw drill.`);
    return null;
  }
  const { cuts, clockOffsetMs, leaseMs } = parseDrillPlan(plan);
  allowLoopbackOnly((address) => say(`${refusedMark}${address}`));
  return {
    failpoints: plannedFailpoints(cuts, {
      signal: (signal) => void process.kill(process.pid, signal),
      // oxlint-disable-next-line unicorn/no-process-exit -- to end without closing anything is what is asked for
      exit: () => process.exit(70),
    }),
    clockOffsetMs,
    ...(leaseMs === null ? {} : { leaseMs }),
  };
}
