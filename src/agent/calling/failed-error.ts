/** The one error of a step that no model could answer: what happened, once, with every attempt for those who look deeper. */
import { AppError, type AppErrorJson } from "../../domain/app-error.ts";
import { reasonWords } from "../../domain/failure-reason.ts";
import type { Candidate, FailedAttempt, Standing } from "../../models/contract.ts";

type HeldBack = { readonly candidate: Candidate; readonly standing: Standing };

export function failedError(
  attempts: readonly FailedAttempt[],
  heldBack: readonly HeldBack[],
  nowMs: number,
): AppErrorJson {
  const skipped = heldBack.flatMap(({ candidate: { model, profileId }, standing }) =>
    standing.usable
      ? []
      : [
          {
            model: model.ref,
            provider: model.provider,
            profileId,
            reason: standing.reason,
            untilMs: standing.untilMs,
          },
        ],
  );
  const details = { attempts, ...(skipped.length === 0 ? {} : { skipped }) };
  // Nobody pays: that is the house's own rule, and what a person can change.
  const unpaid = attempts.find(({ error }) => error.code.startsWith("BUDGET_"))?.error;
  if (unpaid !== undefined) return { ...unpaid, details: { ...unpaid.details, ...details } };
  const last = attempts.at(-1)?.error;
  // Of one mind: their own error says it best.
  if (last !== undefined && skipped.length === 0 && attempts.every(({ error }) => error.code === last.code)) {
    return { ...last, details: { ...last.details, ...details } };
  }
  const all = [...attempts, ...skipped];
  const hasLogins = (ref: string): boolean =>
    new Set(all.filter(({ model }) => model === ref).map(({ profileId }) => profileId)).size > 1;
  const words = all.map(({ model, profileId, reason }) => {
    const login = profileId !== null && hasLogins(model) ? ` (${profileId})` : "";
    return `${model}${login}: ${reasonWords[reason]}`;
  });
  const waits = [
    ...attempts.flatMap(({ error }) => error.retryAfterMs ?? []),
    ...skipped.flatMap(({ untilMs }) => (untilMs === null ? [] : [Math.max(0, untilMs - nowMs)])),
  ];
  return new AppError("MODEL_009", `No model could answer. ${[...new Set(words)].join("; ")}.`, {
    details,
    ...(waits.length === 0 ? {} : { retryAfterMs: Math.min(...waits) }),
  }).toJSON();
}
