/**
 * Sessions as the tools of a turn may see them. `self`: its own; `tree`: what it started too; `agent`: those of its agent;
 * `all`: those of agents that it may write to as well. Whoever is no owner sees its tree at most.
 */
import { mayWriteTo } from "../../config/agent-reach.ts";
import type { Config } from "../../config/schema/root.ts";
import { limits } from "../../domain/limits.ts";
import { canonicalSessionKey, parseSessionKey } from "../../domain/session-key.ts";
import type { Store } from "../../store/port.ts";
import type { SessionRow, TranscriptEntry } from "../../store/session-port.ts";
import type { Asker, SessionsPort, ShownLine, ShownSession } from "../../tools/sessions/port.ts";

/** The setting of a session that says whose turn started it. */
export const spawnedBySetting = "spawnedBy";

export interface SessionPortDeps {
  readonly store: Pick<Store, "sessions">;
  readonly config: () => Config;
}

export function createSessionPort({ store: { sessions }, config }: SessionPortDeps): SessionsPort {
  async function mayRead(asker: Asker, row: SessionRow): Promise<boolean> {
    if (row.sessionKey === asker.sessionKey) return true;
    const { tools } = config();
    const visibility = asker.isOwner || tools.sessions.visibility === "self" ? tools.sessions.visibility : "tree";
    if (visibility === "self") return false;
    if (visibility !== "tree" && row.agentId === asker.agentId) return true;
    return (
      (visibility === "all" && mayWriteTo({ tools }, row.agentId)) ||
      descendsFrom(asker.sessionKey, row, (key) => sessions.get(key))
    );
  }

  return {
    async list(asker, { limit, search }) {
      const found: ShownSession[] = [];
      let cursor: string | null = null;
      for (let looked = 0; looked < limits.sessionsLookedAt && found.length < limit; looked += limits.sessionsPerTool) {
        const page = await sessions.list({
          limit: limits.sessionsPerTool,
          ...(cursor === null ? {} : { cursor }),
          ...(search === undefined ? {} : { search }),
        });
        for (const row of page.rows) if (await mayRead(asker, row)) found.push(shown(row));
        cursor = page.nextCursor;
        if (cursor === null) break;
      }
      return found.slice(0, limit);
    },
    async find(asker, named) {
      const { mainKey } = config().session;
      const key = canonicalSessionKey(named, { defaultAgentId: asker.agentId, mainKey });
      const row = key === undefined ? null : await sessions.get(key);
      return row !== null && (await mayRead(asker, row)) ? shown(row) : null;
    },
    async lines(sessionKey, limit) {
      const entries = await sessions.transcript(sessionKey, { limit });
      return entries.flatMap((entry) => lineOf(entry) ?? []);
    },
  };
}

/** A helper's helper too. The chain is as long as helpers may be deep, and a circle of it ends. */
async function descendsFrom(
  ancestor: string,
  row: SessionRow,
  get: (sessionKey: string) => Promise<SessionRow | null>,
): Promise<boolean> {
  let current: SessionRow | null = row;
  for (let step = 0; current !== null && step < limits.helperDepth; step += 1) {
    const parent: string | null = spawnedBy(current);
    if (parent === null) return false;
    if (parent === ancestor) return true;
    current = await get(parent);
  }
  return false;
}

/** Said by the house alone, and of helpers alone: no person's session can be made somebody's. */
function spawnedBy({ sessionKey, settings }: SessionRow): string | null {
  const parent = settings[spawnedBySetting];
  return parseSessionKey(sessionKey)?.kind === "subagent" && typeof parent === "string" ? parent : null;
}

function shown(row: SessionRow): ShownSession {
  const { sessionKey, agentId, updatedMs, messageCount, settings } = row;
  const { label } = settings;
  const named = typeof label === "string" ? label : null;
  return { sessionKey, agentId, label: named, updatedMs, messageCount, spawnedBy: spawnedBy(row) };
}

/** Words alone: what tools gave and what was thought stays in its session. */
function lineOf({ type, body, atMs }: TranscriptEntry): ShownLine | null {
  const { role, content } = (body["message"] ?? {}) as { role?: unknown; content?: unknown };
  if (type !== "message" || (role !== "user" && role !== "assistant") || !Array.isArray(content)) return null;
  const text = (content as readonly { type?: unknown; text?: unknown }[])
    .flatMap((part) => (part.type === "text" && typeof part.text === "string" ? [part.text] : []))
    .join("\n");
  return text === "" ? null : { role, text, atMs };
}
