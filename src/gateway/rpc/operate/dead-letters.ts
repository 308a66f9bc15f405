/**
 * Handlers of dead letters. A replay asks today's rules first: what was closed since stays closed, and what a person
 * denied is not let out by another door. The store sees to it that each letter is replayed once.
 */
import { AppError } from "../../../domain/app-error.ts";
import { limits } from "../../../domain/limits.ts";
import type { ParamsOf } from "../../../protocol/method.ts";
import { dlqList, dlqPurge, dlqReplay, dlqShow } from "../../../protocol/methods/dlq.ts";
import type { DeadLetter } from "../../../store/port.ts";
import { cameFromGateway } from "../admit-run.ts";
import { handle, type BoundMethod, type Caller } from "../handler.ts";
import type { RpcServices } from "../services.ts";
import { wasDenied } from "./held-parts.ts";
import { shownLetter, shownMessage, shownPart } from "./shown.ts";

const defaultLetters = 50;

export function deadLetterMethods({ deps }: RpcServices): readonly BoundMethod[] {
  const { deadLetters } = deps.store;
  return [
    handle(dlqList, async ({ limit, beforeMs }) => {
      const page = { limit: limit ?? defaultLetters, ...(beforeMs === undefined ? {} : { beforeMs }) };
      const [letters, total] = await Promise.all([deadLetters.list(page), deadLetters.count()]);
      return { total, letters: letters.map(shownLetter) };
    }),
    handle(dlqShow, async ({ id }) => {
      const letter = await deadLetters.get(id);
      if (letter === null) throw new AppError("RPC_007", "there is no such dead letter");
      return {
        letter: shownLetter(letter),
        message: letter.kind === "message" ? shownMessage(letter.row) : null,
        part: letter.kind === "part" ? shownPart(letter.row) : null,
      };
    }),
    handle(dlqReplay, (params, caller) => replay(deps, params, caller)),
    handle(dlqPurge, (params, caller) => purge(deps, params, caller)),
  ];
}

type Deps = RpcServices["deps"];

async function replay(deps: Deps, { id, ids = [] }: ParamsOf<typeof dlqReplay>, caller: Caller) {
  const wanted = [...new Set(id === undefined ? ids : [id, ...ids])];
  if (wanted.length === 0) throw missing("dlq.replay", "id");
  const results = [];
  for (const one of wanted) results.push(await replayOne(deps, one, caller));
  const replayed = results.filter(({ outcome }) => outcome === "replayed").map((result) => result.id);
  if (replayed.length > 0) {
    deps.wake();
    deps.bus.emit({ type: "dlq.changed", change: "replayed", ids: replayed, atMs: deps.clock.nowMs() });
  }
  return { results };
}

type ReplayOutcome = "replayed" | "refused" | "gone";

async function replayOne(deps: Deps, id: string, caller: Caller) {
  const result = (outcome: ReplayOutcome, reason: string | null) => ({ id, outcome, reason });
  const letter = await deps.store.deadLetters.get(id);
  if (letter === null) return result("gone", null);
  const refusal = refusalOf(letter, deps);
  if (refusal !== null) return result("refused", refusal);
  const atMs = deps.clock.nowMs();
  const lifeMs = letter.kind === "message" ? limits.inboundTtlMs : limits.replyTtlMs;
  if (!(await deps.store.deadLetters.replay(id, { atMs, expiresMs: atMs + lifeMs }))) return result("gone", null);
  await noteReplay(deps, letter, { by: caller.principal.id, atMs });
  return result("replayed", null);
}

/** Why it may not go on today; null where it may. */
function refusalOf(letter: DeadLetter, { rules }: Deps): string | null {
  if (letter.kind === "message") {
    const { message } = letter.row;
    return cameFromGateway(message) ? null : rules.admission(message);
  }
  if (wasDenied(letter.row)) return "denied";
  return rules.permission(letter.row.address)?.message ?? null;
}

/** Who set it going again stands in the trace, between its end and its new beginning. */
async function noteReplay(deps: Deps, letter: DeadLetter, { by, atMs }: { by: string; atMs: number }): Promise<void> {
  const messageId = letter.kind === "message" ? letter.id : letter.row.messageId;
  const data = { by, ...(letter.kind === "part" ? { partId: letter.id } : {}) };
  deps.log.info("A dead letter was replayed.", { id: letter.id, kind: letter.kind, by });
  await deps.store.trace.add([{ messageId, runId: letter.row.runId ?? letter.id, type: "dlq.replayed", atMs, data }]);
}

async function purge(deps: Deps, { ids, olderThanMs }: ParamsOf<typeof dlqPurge>, caller: Caller) {
  const atMs = deps.clock.nowMs();
  if ((ids === undefined) === (olderThanMs === undefined)) throw missing("dlq.purge", "ids");
  const which = ids === undefined ? { beforeMs: atMs - (olderThanMs ?? 0) } : { ids };
  const purged = await deps.store.deadLetters.purge(which, atMs);
  deps.log.info("Dead letters were purged.", { purged, by: caller.principal.id });
  if (purged > 0) deps.bus.emit({ type: "dlq.changed", change: "purged", ids: ids ?? [], atMs });
  return { purged };
}

function missing(method: string, param: string): AppError {
  const choice = method === "dlq.purge" ? "either 'ids' or 'olderThanMs'" : "'id' or 'ids'";
  return new AppError("RPC_003", `invalid ${method} params: must have ${choice}`, { details: { param } });
}
