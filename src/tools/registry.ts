/** Names every built-in tool. The one place that does. */
import type { Tool } from "./contract.ts";
import { createMessageTool } from "./message/index.ts";
import type { SayPort } from "./say-port.ts";
import { createSessionsHistoryTool } from "./sessions/history.ts";
import { createSessionsListTool } from "./sessions/list.ts";
import { createSessionsSendTool, type SendDeps } from "./sessions/send.ts";
import { createSessionsSpawnTool } from "./sessions/spawn.ts";
import { timeTool } from "./time/index.ts";

/** In the order the model sees them. Each input is checked by its own schema before `run`, so the types may be put aside here. */
export function builtInTools(): readonly Tool[] {
  return [timeTool as Tool];
}

/** What the tools about sessions and chats need of the house. */
export interface TalkToolDeps extends SendDeps {
  readonly say: SayPort;
}

/** Those that speak: in chats, to other sessions, to helpers. */
export function talkTools(deps: TalkToolDeps): readonly Tool[] {
  return [
    createMessageTool(deps.say) as Tool,
    createSessionsListTool(deps.sessions) as Tool,
    createSessionsHistoryTool(deps.sessions) as Tool,
    createSessionsSendTool(deps) as Tool,
    createSessionsSpawnTool(deps) as Tool,
  ];
}
