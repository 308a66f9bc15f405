/**
 * Acting, put together: who may do what (policy, commands, approvals), in what it is done (boxes), and what there is to do it
 * with (tools, memory, skills). Each part owns its own work; here they only learn of each other.
 */
import type { ToolSet } from "../../agent/turn.ts";
import { createPayBeside } from "../../budget/pay-beside.ts";
import type { ConfigHandle } from "../../config/access.ts";
import type { Environment } from "../../config/environment.ts";
import { statePaths } from "../../config/paths.ts";
import type { Config } from "../../config/schema/root.ts";
import { AppError } from "../../domain/app-error.ts";
import type { EventBus } from "../../domain/events.ts";
import type { PayBeside } from "../../domain/call-beside.ts";
import type { McpClients } from "../../mcp/contract.ts";
import type { Redactor } from "../../platform/redact.ts";
import type { Memory } from "../../memory/contract.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Ids } from "../../platform/ids.ts";
import type { Log } from "../../platform/log.ts";
import { createSurroundings, type SkillShelf } from "../../skills/surroundings.ts";
import type { SpeechDesk } from "../../speech/contract.ts";
import type { Store } from "../../store/port.ts";
import { createVisionDesk, type VisionDesk } from "../../tools/vision.ts";
import { openApprovals, type Approvals } from "./approvals.ts";
import { openCommandDesk, type HouseCommandDesk } from "./command-desk.ts";
import type { Lifecycle } from "../lifecycle.ts";
import { openMemory } from "./memory.ts";
import type { MessageWay } from "../message-way.ts";
import type { Models } from "../models.ts";
import type { Acting } from "./contract.ts";
import { createHousePolicy, type HousePolicy } from "./policy-view.ts";
import { createRunningCommands } from "./running-commands.ts";
import { createSandboxes, type Sandboxes } from "./sandboxes.ts";
import { openMcp } from "./mcp.ts";
import { createTalk, type Talk } from "./talk.ts";
import { openSpeech } from "../speech.ts";
import { createToolSet } from "./tool-set.ts";

export interface ActingDeps {
  readonly environment: Environment;
  readonly store: Store;
  readonly bus: EventBus;
  readonly config: ConfigHandle;
  readonly models: Models;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly life: Lifecycle;
  readonly redactor: Redactor;
}

/** What the rest of the house is given of it. */
export interface HouseActing {
  readonly policy: HousePolicy;
  readonly commands: HouseCommandDesk;
  readonly approvals: Approvals;
  readonly sandboxes: Sandboxes;
  readonly memory: Memory;
  readonly mcp: McpClients;
  readonly speech: SpeechDesk;
  readonly shelf: SkillShelf;
  /** Where packs lie that were installed for every agent. */
  readonly skillsDir: string;
  readonly tools: (agentId: string) => Promise<ToolSet>;
  /** What turns need of it. */
  readonly forTurns: Acting & { readonly vision: VisionDesk };
  /** Answers set messages going, tools that speak do so, and calls beside turns are paid, from here on. What helpers are under way is the caller's to start. */
  follow(way: MessageWay): Talk;
}

export async function openActing(deps: ActingDeps): Promise<HouseActing> {
  const { environment, store, bus, config, clock, ids, log, life } = deps;
  const { stateDir, homeDir: home } = environment;
  const current = (): Config => config.current().config;
  const commands = commandDeskOf(deps);
  await life.start({ name: "command desk", start: () => commands.start(), close: () => commands.close() });
  const policy = createHousePolicy(current, commands);
  let payBeside: PayBeside | undefined;
  const pay: PayBeside = (...asked) => {
    if (payBeside === undefined) throw new AppError("SYS_001", "A call was to be paid before there was a budget gate.");
    return payBeside(...asked);
  };
  const memory = openMemory({ ...deps, stateDir, config: current, pay });
  await life.start({ name: "memory", close: () => memory.close() });
  const variables = (): Readonly<Record<string, string | undefined>> => config.environment().variables;
  const speech = openSpeech({ config: current, variables, clock, log: log.child("speech"), pay });
  await life.start({ name: "speech", close: () => speech.close() });
  const running = createRunningCommands({ stateDir, clock, ids, log: log.child("commands") });
  await life.start({ name: "running commands", start: () => running.start(), close: () => running.close() });
  const sandboxes = createSandboxes({ stateDir, home, clock, ids, config: current });
  const approvals = openApprovals({ store, clock, ids, bus, commands, log: log.child("approvals"), config: current });
  const shelf = openShelf(deps);
  const mcp = openMcp(deps);
  await life.start({ name: "mcp", close: () => mcp.close() });
  const vision = createVisionDesk();
  let talk: Talk | undefined;
  const tools = createToolSet({
    ...deps,
    config: current,
    memory,
    mcp,
    processes: running.processes,
    sandbox: sandboxes.desk,
    vision,
    shelf,
    talk: () => {
      if (talk === undefined) throw new AppError("SYS_001", "A tool was asked for before there was a way to speak.");
      return talk;
    },
  });
  return {
    policy,
    commands,
    approvals,
    sandboxes,
    memory,
    mcp,
    speech,
    shelf,
    skillsDir: statePaths(stateDir).skillsDir,
    tools,
    forTurns: { policy: policy.policy, approvals, commands, surroundings: shelf, vision },
    follow(way) {
      approvals.follow(way);
      const { gate } = way.spending;
      payBeside = createPayBeside({ gate, ledger: store.ledger, clock, ids, log: log.child("budget") });
      talk = createTalk({ ...deps, way, config: current });
      return talk;
    },
  };
}

function commandDeskOf({ environment, store, config, clock, ids, log }: ActingDeps): HouseCommandDesk {
  const { stateDir, configPath } = environment;
  return openCommandDesk({
    documents: store.documents,
    config: () => config.current().config,
    hostEnvironment: () => config.environment().variables,
    clock,
    ids,
    log: log.child("exec"),
    stateDir,
    configPath,
  });
}

function openShelf({ environment, config, clock, log }: ActingDeps): SkillShelf {
  return createSurroundings({
    config: () => config.current().config,
    variables: () => config.environment().variables,
    managedDir: statePaths(environment.stateDir).skillsDir,
    bundledDir: null,
    clock,
    log: log.child("skills"),
  });
}
