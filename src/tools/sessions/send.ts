/** `sessions_send`: writes to another conversation of the house, as another turn and never as a person. */
import { z } from "zod";
import { AppError } from "../../domain/app-error.ts";
import { mayWriteTo } from "../../config/agent-reach.ts";
import type { Config } from "../../config/schema/root.ts";
import { limits } from "../../domain/limits.ts";
import { withTaint } from "../../domain/taint.ts";
import type { Tool, ToolContext } from "../contract.ts";
import { bornOf, orderId } from "./born.ts";
import { unknownSession } from "./history.ts";
import type { ErrandPort, SessionsPort, ShownSession } from "./port.ts";
import { endText, errandTimeoutMs, waitMsOf } from "./waiting.ts";

const inputSchema = z.object({
  sessionKey: z.string().min(1).max(limits.sessionKeyChars),
  message: z.string().min(1).max(limits.errandTextChars),
  wait: z.boolean().optional(),
  timeoutSeconds: z
    .number()
    .int()
    .min(1)
    .max(limits.errandWaitMs / 1_000)
    .optional(),
});

export interface SendDeps {
  readonly sessions: SessionsPort;
  readonly errands: ErrandPort;
  readonly config: () => Config;
}

export function createSessionsSendTool(deps: SendDeps): Tool<z.infer<typeof inputSchema>> {
  return {
    name: "sessions_send",
    description: "Writes to another conversation; its agent answers you and not its chat.",
    inputSchema,
    effect: "idempotent",
    timeoutMs: ({ wait, timeoutSeconds }) => errandTimeoutMs({ wait: wait ?? true, timeoutSeconds }),
    async plan({ sessionKey, message }, context) {
      const { sessionKey: key, agentId } = await target(sessionKey, context, deps);
      return { kind: "session", sessionKey: key, agentId, text: message };
    },
    async run({ sessionKey, message, wait = true, timeoutSeconds }, context) {
      const { sessionKey: key, agentId } = await target(sessionKey, context, deps);
      const runId = `send-${orderId("send", context)}`;
      const born = bornOf(context);
      const source = { class: "foreign", source: `session ${context.sessionKey}` } as const;
      const text = message;
      const rights = { ...born, taint: withTaint(born.taint, [source]) };
      await deps.errands.send({ runId, sessionKey: key, agentId, text, born: rights, announce: false });
      if (!wait) return `The message is in session ${key}.`;
      const end = await deps.errands.wait(runId, waitMsOf(timeoutSeconds), context.signal);
      return { text: endText(end), from: { class: "foreign", source: `session ${key}` } };
    },
  };
}

/** Throws RUN_003 where it may not be written to. */
async function target(named: string, context: ToolContext, deps: SendDeps): Promise<ShownSession> {
  const found = await deps.sessions.find(context, named);
  if (found === null) throw unknownSession(named);
  if (found.sessionKey === context.sessionKey) {
    throw new AppError("RUN_003", "That is this very conversation. Say it in your answer.");
  }
  const config = deps.config();
  if (found.agentId !== context.agentId && !mayWriteTo(config, found.agentId)) {
    throw new AppError("RUN_003", `The agent ${found.agentId} may not be written to. Go on without it.`);
  }
  const most = config.session.agentToAgent.maxPingPongTurns;
  if ((context.born?.depth ?? 0) >= most) {
    throw new AppError("RUN_003", `Sessions have written to each other ${most} times in a row. End with your answer.`);
  }
  return found;
}
