/** Why a model answers, or does not: the decision and how everything that was looked at stands. */
import * as z from "zod";
import { method } from "../method.ts";

export const modelsExplain = method({
  name: "models.explain",
  scope: "operator.read",
  params: z.strictObject({
    agentId: z.string().min(1).optional(),
    sessionKey: z.string().min(1).optional(),
    /** As a caller would choose it: a reference, an alias or a bare id. */
    model: z.string().min(1).max(512).optional(),
    /** What a person would write, for the router. */
    text: z.string().max(100_000).optional(),
  }),
  result: z.strictObject({
    agentId: z.string(),
    sessionKey: z.string(),
    /** The one that would be asked now; null where none can be. */
    model: z.string().nullable(),
    profileId: z.string().nullable(),
    tier: z.string().nullable(),
    score: z.number().nullable(),
    /** Failures that lead to another model. */
    fallbackOn: z.array(z.string()),
    considered: z.array(
      z.strictObject({
        model: z.string(),
        profileId: z.string().nullable(),
        verdict: z.enum(["used", "next", "skipped"]),
        step: z.enum(["lookup", "window", "profile", "key", "attempt", "fallback"]),
        why: z.string(),
      }),
    ),
    error: z.strictObject({ code: z.string(), message: z.string(), retryAfterMs: z.number().optional() }).nullable(),
  }),
  summary: "Which model would answer now, by which login, and what speaks for or against each that is looked at.",
});

export const modelsRetry = method({
  name: "models.retry",
  scope: "operator.admin",
  params: z.strictObject({
    /** Absent: of all providers. */
    provider: z.string().min(1).max(256).optional(),
  }),
  result: z.strictObject({ forgotten: z.number().int() }),
  summary: "Forgets which models, logins and providers have failed, so that they are asked again at once.",
});
