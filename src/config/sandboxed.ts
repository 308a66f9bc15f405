/** Whether the commands of a session run in a box, as the configuration says; nothing that a call says changes it. */
import { isMainSession } from "../domain/session-key.ts";
import type { Config } from "./schema/root.ts";

/** A key that cannot be read is no main session: what is unknown goes into the box. */
export function isSandboxed(
  { agents, session }: Pick<Config, "agents" | "session">,
  { agentId, sessionKey }: { readonly agentId: string; readonly sessionKey: string },
): boolean {
  const mode = agents.list.find(({ id }) => id === agentId)?.sandbox?.mode ?? agents.defaults.sandbox.mode;
  return mode === "all" || (mode === "non-main" && !isMainSession(sessionKey, session.mainKey));
}
