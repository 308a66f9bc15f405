/** What the gateway is given of the house: every desk, view and door that a method or a route may use, and no more. */
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { ConfigHandle } from "../config/access.ts";
import type { Environment } from "../config/environment.ts";
import type { LoadOptions } from "../config/load.ts";
import { statePaths } from "../config/paths.ts";
import type { GatewayDeps } from "../gateway/deps.ts";
import { agentIdsOf, defaultAgentId } from "../inbound/route.ts";
import { tailLog } from "../platform/log-tail.ts";
import type { RootLog } from "../platform/log.ts";
import type { LoopDelaySampler } from "../platform/loop-delay.ts";
import { createAgentFiles } from "../skills/agent-files.ts";
import { createSkillDesk } from "../skills/skill-desk.ts";
import type { HouseActing } from "./acting/open-acting.ts";
import { createHousePolicyView } from "./acting/policy-view.ts";
import { putPart } from "./chat-session.ts";
import { createHealthView, type HealthState } from "./health-view.ts";
import type { MessageWay } from "./message-way.ts";
import type { Models } from "./models.ts";
import { createPromptView } from "./prompt-view.ts";
import { version } from "./version.ts";

export interface GatewayParts extends Pick<GatewayDeps, "clock" | "ids" | "bus" | "store" | "desk"> {
  readonly environment: Environment;
  /** How a configuration is read that is tried and not applied. */
  readonly load: LoadOptions;
  readonly log: RootLog;
  readonly config: ConfigHandle;
  readonly models: Models;
  readonly way: MessageWay;
  readonly loop: LoopDelaySampler;
  readonly state: HealthState;
  readonly acting: HouseActing;
  /** What a client may ask of the process itself; absent where nobody would hear it. */
  readonly asked: Pick<GatewayDeps, "requestStop" | "restarts">;
}

export function gatewayDepsOf(parts: GatewayParts): GatewayDeps {
  const { environment, clock, ids, log, bus, store, config, models, desk, way, loop, state, acting } = parts;
  const paths = statePaths(environment.stateDir);
  return {
    clock,
    ids,
    log,
    bus,
    store,
    config,
    admit: way.admit,
    turns: way.turns,
    invokeTool: way.invokeTool,
    models: {
      list: () => models.catalogue().list(),
      find: (name) => models.catalogue().find(name),
      primary: (agentId) => models.catalogue().primary(agentId),
    },
    desk,
    budgets: way.spending.desk,
    ...controlsOf(parts),
    agents: () => agentsOf(config, models),
    channels: way.channels,
    webhooks: way.webhooks,
    enqueue: async (draft, context) => {
      await putPart(draft, context, { store, clock, ids });
      way.wakeDelivery();
    },
    sessionOfChat: (address) => way.sessionOfChat(address),
    wake: () => {
      way.wakeQueue();
      way.wakeDelivery();
    },
    rules: {
      admission: (message) => way.rules.admissionFor(message),
      permission: (address) => way.rules.permissionFor(address),
    },
    ...workspacesOf(parts),
    prompt: createPromptView({
      config: () => config.current().config,
      tools: acting.tools,
      surroundings: acting.shelf,
    }),
    tailLog: async (tail) => {
      await log.flush();
      return tailLog({ ...tail, file: paths.logFile });
    },
    health: createHealthView(
      { store, clock, loopDelay: () => loop.read(), dispatchTrouble: () => way.dispatchTrouble() },
      state,
    ),
    version,
    stateDir: paths.stateDir,
    configPath: environment.configPath,
    pagesDir: pagesDir(),
    ...parts.asked,
  };
}

/** What the workspaces say: their named files, and skill packs. */
function workspacesOf({ config, acting }: GatewayParts): Pick<GatewayDeps, "agentFiles" | "skills"> {
  const agentIds = (): readonly string[] => agentIdsOf(config.current().config);
  return {
    agentFiles: createAgentFiles({ config: () => config.current().config, agentIds }),
    skills: createSkillDesk({ shelf: acting.shelf, agentIds, managedDir: acting.skillsDir }),
  };
}

/** Who may do what, and how people look at it and decide. */
function controlsOf(
  parts: GatewayParts,
): Pick<GatewayDeps, "policy" | "approvals" | "sandboxes" | "memory" | "mcp" | "speech" | "execApprovals"> {
  const { policy, approvals, sandboxes, memory, mcp, speech, commands } = parts.acting;
  return {
    policy: createHousePolicyView(policy, parts),
    approvals,
    sandboxes: async () => [...(await sandboxes.status())],
    memory,
    mcp,
    speech,
    execApprovals: commands.approvals,
  };
}

function agentsOf(config: ConfigHandle, models: Models): ReturnType<GatewayDeps["agents"]> {
  const snapshot = config.current().config;
  const defaultId = defaultAgentId(snapshot);
  const listed = snapshot.agents.list.length > 0 ? snapshot.agents.list : [{ id: defaultId }];
  return listed.map((agent) => ({
    id: agent.id,
    name: ("name" in agent ? agent.name : undefined) ?? agent.id,
    isDefault: agent.id === defaultId,
    model: models.catalogue().primary(agent.id)?.ref ?? null,
  }));
}

/** The pages stand beside the bundle; from source, where the build takes them from. */
function pagesDir(): string {
  const here = path.dirname(fileURLToPath(import.meta.url));
  return import.meta.url.endsWith(".ts") ? path.join(here, "..", "..", "ui") : path.join(here, "ui");
}
