/**
 * Keeps what was decided about calls of tools, with the facts they were judged by, so that another policy can be tried on
 * them. Written in batches beside the turns, which never wait for it. Known secrets are not kept.
 */
import type { EventBus, EventOf } from "../../domain/events.ts";
import { limits } from "../../domain/limits.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Ids } from "../../platform/ids.ts";
import type { Log } from "../../platform/log.ts";
import type { DecisionRow } from "../../store/decision-port.ts";
import type { Store } from "../../store/port.ts";
import { createBatchWriter } from "../batch-writer.ts";

/** What is left of a text in facts that are too large to be kept. */
const cutChars = 1_000;

export interface DecisionWriter {
  close(): Promise<void>;
}

export interface DecisionWriterDeps {
  readonly bus: EventBus;
  readonly store: Pick<Store, "decisions">;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** Takes known secrets out of a text. */
  readonly redact: (text: string) => string;
}

export function createDecisionWriter(deps: DecisionWriterDeps): DecisionWriter {
  const { bus, store, clock, log } = deps;
  const decisions = createBatchWriter<DecisionRow>({
    write: (batch) => store.decisions.add(batch),
    name: "decisions",
    maxWaiting: limits.decisionsWaiting,
    clock,
    log,
  });
  const stop = bus.on("tool.decided", (event) => decisions.add(rowOf(event, deps)));
  return {
    close() {
      stop();
      return decisions.close();
    },
  };
}

function rowOf(event: EventOf<"tool.decided">, { ids, redact }: DecisionWriterDeps): DecisionRow {
  const { atMs, runId, callId, sessionKey, agentId, tool, effect, rule } = event;
  return {
    id: ids.uuid(),
    atMs,
    runId,
    callId,
    sessionKey,
    agentId,
    tool,
    effect,
    rule,
    facts: kept(event.facts, redact),
  };
}

/** Whole, or marked as cut: what is not whole cannot be tried again. */
function kept(facts: unknown, redact: (text: string) => string): unknown {
  const clean = eachText(facts, redact);
  if (Buffer.byteLength(JSON.stringify(clean) ?? "") <= limits.decisionFactsBytes) return clean;
  const short = eachText(clean, (text) => (text.length > cutChars ? `${text.slice(0, cutChars)}…` : text));
  const fits = Buffer.byteLength(JSON.stringify(short)) <= limits.decisionFactsBytes;
  return fits && typeof short === "object" ? { ...short, cut: true } : { cut: true };
}

function eachText(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === "string") return change(value);
  if (Array.isArray(value)) return value.map((one) => eachText(one, change));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, eachText(one, change)]));
}
