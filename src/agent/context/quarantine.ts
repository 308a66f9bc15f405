/**
 * A session whose history a provider refuses again and again. The same refusal twice, and the history is left out from
 * that message on: what was said before stays in the transcript, and the person is told. Kept in the session's
 * settings, so that it lives and dies with the session.
 */
import { createHash } from "node:crypto";
import type { AppErrorJson } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import type { SessionRow } from "../../store/session-port.ts";

/** The setting that holds it. */
export const troubleSetting = "contextTrouble";

export interface ContextTrouble {
  /** Of another session id, it is of a conversation that has ended. */
  readonly sessionId: string;
  /** The last refusal of each model, newest last; none since the last answer. */
  readonly refusals: readonly Refusal[];
  /** Entries in front of this one are left out; null: none. */
  readonly keptFrom: string | null;
}

interface Refusal {
  readonly model: string;
  readonly signature: string;
  readonly times: number;
}

const refusalsBefore = 2;
/** More models than a turn asks are not remembered. */
const mostModels = limits.modelAttempts;

/** What is remembered of this conversation; null where there is nothing. */
export function troubleOf(session: SessionRow): ContextTrouble | null {
  const value = session.settings[troubleSetting];
  if (typeof value !== "object" || value === null) return null;
  const { sessionId, refusals, keptFrom } = value as Readonly<Record<string, unknown>>;
  if (sessionId !== session.sessionId) return null;
  return {
    sessionId,
    refusals: Array.isArray(refusals) ? refusals.filter(isRefusal) : [],
    keptFrom: typeof keptFrom === "string" ? keptFrom : null,
  };
}

function isRefusal(value: unknown): value is Refusal {
  const { model, signature, times } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return typeof model === "string" && typeof signature === "string" && typeof times === "number";
}

/** After one more refusal; `keptFrom` is set where the history has to go. */
export function afterRefusal(
  before: ContextTrouble | null,
  { sessionId, error, inputId }: { sessionId: string; error: AppErrorJson; inputId: string },
): ContextTrouble {
  const signature = signatureOf(error);
  const { model: named } = error.details;
  const model = typeof named === "string" ? named : "";
  const known = before?.refusals ?? [];
  const last = known.find((refusal) => refusal.model === model);
  const times = last?.signature === signature ? last.times + 1 : 1;
  const others = known.filter((refusal) => refusal !== last);
  return {
    sessionId,
    refusals: [...others, { model, signature, times }].slice(-mostModels),
    keptFrom: times >= refusalsBefore ? inputId : (before?.keptFrom ?? null),
  };
}

/** After an answer; null where there is nothing left to remember, and the same where there was nothing. */
export function afterAnswer(before: ContextTrouble | null): ContextTrouble | null {
  if (before === null || before.refusals.length === 0) return before;
  return before.keptFrom === null ? null : { ...before, refusals: [] };
}

/** The same refusal in other words: numbers and ids in a message change from call to call. */
function signatureOf({ code, message, details }: AppErrorJson): string {
  const { status, providerCode } = details;
  const words = message.replaceAll(/[\da-f]{6,}|\d+/gi, "#");
  return createHash("sha256")
    .update(JSON.stringify([code, status, providerCode, words]))
    .digest("hex")
    .slice(0, 32);
}
