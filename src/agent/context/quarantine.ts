/**
 * A session whose history a provider refuses again and again. The same refusal twice, and the history is left out from
 * that message on: what was said before stays in the transcript, and the person is told. Kept in the session's
 * settings, so that it lives and dies with the session.
 */
import { createHash } from "node:crypto";
import type { AppErrorJson } from "../../domain/app-error.ts";
import type { SessionRow } from "../../store/port.ts";

/** The setting that holds it. */
export const troubleSetting = "contextTrouble";

export interface ContextTrouble {
  /** Of another session id, it is of a conversation that has ended. */
  readonly sessionId: string;
  /** What the last refusal was; null where the last call was answered. */
  readonly refusal: string | null;
  readonly times: number;
  /** Entries in front of this one are left out; null: none. */
  readonly keptFrom: string | null;
}

const refusalsBefore = 2;

/** What is remembered of this conversation; null where there is nothing. */
export function troubleOf(session: SessionRow): ContextTrouble | null {
  const value = session.settings[troubleSetting];
  if (typeof value !== "object" || value === null) return null;
  const { sessionId, refusal, times, keptFrom } = value as Readonly<Record<string, unknown>>;
  if (sessionId !== session.sessionId || typeof times !== "number") return null;
  return {
    sessionId,
    times,
    refusal: typeof refusal === "string" ? refusal : null,
    keptFrom: typeof keptFrom === "string" ? keptFrom : null,
  };
}

/** After one more refusal; `keptFrom` is set where the history has to go. */
export function afterRefusal(
  before: ContextTrouble | null,
  { sessionId, error, inputId }: { sessionId: string; error: AppErrorJson; inputId: string },
): ContextTrouble {
  const refusal = signatureOf(error);
  const times = before?.refusal === refusal ? before.times + 1 : 1;
  const keptFrom = times >= refusalsBefore ? inputId : (before?.keptFrom ?? null);
  return { sessionId, refusal, times, keptFrom };
}

/** After an answer; null where there is nothing left to remember, and the same where there was nothing. */
export function afterAnswer(before: ContextTrouble | null): ContextTrouble | null {
  if (before === null || before.refusal === null) return before;
  return before.keptFrom === null ? null : { ...before, refusal: null, times: 0 };
}

/** The same refusal in other words: numbers and ids in a message change from call to call. */
function signatureOf({ code, message, details }: AppErrorJson): string {
  const { model, status, providerCode } = (details ?? {}) as Readonly<Record<string, unknown>>;
  const words = message.replaceAll(/[\da-f]{6,}|\d+/gi, "#");
  return createHash("sha256")
    .update(JSON.stringify([code, model, status, providerCode, words]))
    .digest("hex")
    .slice(0, 32);
}
