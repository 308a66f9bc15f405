/**
 * The tools there are for an agent, loaded with the first turn and not with the gateway. What of them a turn may use is
 * policy's to say; what is not set up (a search service, skills) is not among them.
 */
import type { ToolSet } from "../../agent/turn.ts";
import type { Config } from "../../config/schema/root.ts";
import type { Memory } from "../../memory/contract.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Log } from "../../platform/log.ts";
import type { SandboxDesk } from "../../sandbox/contract.ts";
import type { SkillShelf } from "../../skills/surroundings.ts";
import type { Store } from "../../store/port.ts";
import type { Tool } from "../../tools/contract.ts";
import type { TalkToolDeps } from "../../tools/registry.ts";
import type { Processes } from "../../tools/running/processes.ts";
import type { VisionDesk } from "../../tools/vision.ts";

export interface ToolSetDeps {
  readonly config: () => Config;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly memory: Memory;
  readonly processes: Processes;
  readonly sandbox: SandboxDesk;
  readonly vision: VisionDesk;
  readonly shelf: SkillShelf;
  /** Asked when the first turn needs tools: by then there is a way to speak. */
  readonly talk: () => TalkToolDeps;
}

export function createToolSet(deps: ToolSetDeps): (agentId: string) => Promise<ToolSet> {
  let known: { readonly key: string; readonly loading: Promise<ToolSet> } | undefined;
  return (agentId) => {
    const key = settingsKey(deps.config());
    if (known?.key !== key) known = { key, loading: load(deps) };
    return known.loading.then((set) => forAgent(set, agentId, deps));
  };
}

/** What of the configuration decides which tools there are. */
function settingsKey({ tools, memory }: Config): string {
  return JSON.stringify([tools.web.search ?? null, memory.backend]);
}

async function load(deps: ToolSetDeps): Promise<ToolSet> {
  const [{ createTools }, { createProvenance }, { createWebToolDeps }, { toolSpecs }] = await Promise.all([
    import("../../tools/registry.ts"),
    import("../../tools/workspace/provenance.ts"),
    import("./web-tools.ts"),
    import("../../tools/run-tool.ts"),
  ]);
  const { config, store, clock, memory, processes, sandbox, shelf } = deps;
  const tools = createTools({
    files: { provenance: createProvenance({ documents: store.documents, clock }) },
    commands: { processes, sandbox, timeoutSeconds: () => config().tools.exec.timeoutSeconds },
    web: createWebToolDeps(deps),
    memory: config().memory.backend === "none" ? null : { memory },
    skills: { skills: (agentId) => shelf.usable(agentId) },
    talk: deps.talk(),
  });
  return { tools, specs: toolSpecs(tools) };
}

/** The tool that shows a skill is there where there is one to show. */
async function forAgent(set: ToolSet, agentId: string, { shelf }: ToolSetDeps): Promise<ToolSet> {
  if ((await shelf.usable(agentId)).length > 0) return set;
  const isShown = ({ name }: Pick<Tool, "name">): boolean => name !== "skill";
  return { tools: set.tools.filter(isShown), specs: set.specs.filter(isShown) };
}
