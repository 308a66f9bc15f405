/**
 * Compacting a session on request. It is a message like any other, `/compact`, through the one door: so it waits for the
 * session's turn under way, the next message waits for it, and a restart in the middle does not forget it.
 */
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import type { ParamsOf } from "../../protocol/method.ts";
import { sessionsCompact } from "../../protocol/methods/sessions.ts";
import type { TranscriptEntry } from "../../store/session-port.ts";
import { admitRun } from "./admit-run.ts";
import { handle, type BoundMethod, type Caller } from "./handler.ts";
import type { RpcServices } from "./services.ts";
import { sessionTarget } from "./session-target.ts";

export function sessionCompactMethods(services: RpcServices): readonly BoundMethod[] {
  return [handle(sessionsCompact, (params, caller) => compact(services, params, caller))];
}

async function compact(services: RpcServices, params: ParamsOf<typeof sessionsCompact>, caller: Caller) {
  const { deps } = services;
  const target = sessionTarget(deps, { sessionKey: params.key, agentId: params.agentId });
  const { sessionKey: key } = target;
  const session = await deps.store.sessions.get(key);
  if (session === null) throw new AppError("RPC_007", "there is no such session");
  const { instructions, maxLines } = params;
  const runId = deps.ids.uuid();
  await admitRun(
    services,
    {
      method: sessionsCompact.name,
      runId,
      text: "/compact",
      attachments: [],
      target,
      options: {
        deliver: false,
        compact: {
          ...(instructions === undefined ? {} : { instructions }),
          ...(maxLines === undefined ? {} : { maxLines }),
        },
      },
      // The session's own chat, where it has one: a reply without a target still finds its way there.
      address: session.lastAddress,
    },
    caller,
  );
  const turn = await deps.turns.wait(runId, limits.turnTimeoutMs);
  if (turn === null)
    return { ok: true as const, key, compacted: false, reason: "It waits for its turn and runs by itself." };
  if (turn.error !== null) throw AppError.fromJSON(turn.error);
  const entries = await deps.store.sessions.transcript(key, { limit: newestEntries });
  return { ok: true as const, key, ...(resultIn(entries, runId) ?? { compacted: false, reason: turn.text }) };
}

/** The line that the compaction left stands right before what was said since. */
const newestEntries = 100;

/** What the transcript says of this run's compaction. */
function resultIn(entries: readonly TranscriptEntry[], runId: string) {
  for (const { type, body } of entries) {
    const details = body["details"] as { runId?: unknown; method?: unknown; tokensAfter?: unknown } | undefined;
    if (type !== "compaction" || details?.runId !== runId) continue;
    const { method, tokensAfter } = details;
    const { tokensBefore } = body;
    if (typeof tokensBefore !== "number" || typeof tokensAfter !== "number") continue;
    return {
      compacted: true,
      method: method === "truncation" ? ("truncation" as const) : ("summary" as const),
      tokensBefore,
      tokensAfter,
    };
  }
  return null;
}
