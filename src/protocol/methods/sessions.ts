/** Methods of sessions: list, look into, change, remove, carry away and bring back; and which ones a client hears. */
import { z } from "zod";
import { limits } from "../../domain/limits.ts";
import { method } from "../method.ts";

const key = z.string().min(1).max(limits.sessionKeyChars);
const setting = z.string().min(1).max(512).nullable();

export const sessionSummarySchema = z.strictObject({
  key: z.string(),
  sessionId: z.string(),
  agentId: z.string(),
  label: z.string().optional(),
  createdAt: z.number(),
  updatedAt: z.number(),
  messageCount: z.number().int(),
  inputTokens: z.number().int(),
  outputTokens: z.number().int(),
  totalTokens: z.number().int(),
  costUsd: z.number(),
  lastChannel: z.string().optional(),
  settings: z.record(z.string(), z.unknown()),
});

export const sessionsList = method({
  name: "sessions.list",
  scope: "operator.read",
  params: z.strictObject({
    limit: z.number().int().min(1).max(1000).optional(),
    cursor: z.string().max(1024).optional(),
    activeMinutes: z.number().int().min(1).optional(),
    agentId: z.string().min(1).optional(),
    search: z.string().max(256).optional(),
    label: z.string().max(512).optional(),
    // Older clients ask for these; every session is listed and none has a derived title.
    includeGlobal: z.boolean().optional(),
    includeUnknown: z.boolean().optional(),
    includeDerivedTitles: z.boolean().optional(),
    includeLastMessage: z.boolean().optional(),
  }),
  result: z.strictObject({
    ts: z.number(),
    count: z.number().int(),
    total: z.number().int(),
    nextCursor: z.string().nullable(),
    sessions: z.array(sessionSummarySchema),
  }),
  summary: "Sessions, the latest first, a page at a time.",
  aliases: [{ name: "sessions" }],
});

export const sessionsPreview = method({
  name: "sessions.preview",
  scope: "operator.read",
  params: z.strictObject({
    keys: z.array(key).min(1).max(100),
    limit: z.number().int().min(1).max(100).optional(),
    maxChars: z.number().int().min(20).max(10_000).optional(),
  }),
  result: z.strictObject({
    ts: z.number(),
    previews: z.array(
      z.strictObject({
        key: z.string(),
        status: z.enum(["ok", "empty", "missing"]),
        items: z.array(z.strictObject({ role: z.string(), text: z.string() })),
      }),
    ),
  }),
  summary: "The last lines of several sessions.",
});

export const sessionsPatch = method({
  name: "sessions.patch",
  scope: "operator.admin",
  params: z.strictObject({
    key,
    label: setting.optional(),
    model: setting.optional(),
    /** `auto`: the router chooses by the question; a tier: always that one; `off`: the agent's own model. */
    routing: z.enum(["auto", "off", "fast", "balanced", "capable"]).nullable().optional(),
    /** The login that answers this session, e.g. `openai:work`. */
    authProfile: setting.optional(),
    thinkingLevel: setting.optional(),
    verboseLevel: setting.optional(),
    reasoningLevel: setting.optional(),
    responseUsage: setting.optional(),
    /** What a message does that comes during a turn of the session. */
    queueMode: z.enum(["collect", "followup", "interrupt", "steer"]).nullable().optional(),
    sendPolicy: z.enum(["allow", "deny"]).nullable().optional(),
    groupActivation: z.enum(["mention", "always"]).nullable().optional(),
  }),
  result: z.strictObject({ ok: z.literal(true), key: z.string(), entry: sessionSummarySchema }),
  summary: "Sets or (with null) clears settings of a session.",
});

export const sessionsReset = method({
  name: "sessions.reset",
  scope: "operator.admin",
  params: z.strictObject({ key, reason: z.enum(["new", "reset"]).optional() }),
  result: z.strictObject({ ok: z.literal(true), key: z.string(), sessionId: z.string() }),
  summary: "Starts a session anew; what was said stays readable under its old id.",
  aliases: [{ name: "sessions.clear", adapt: ({ sessionKey, ...rest }) => ({ key: sessionKey, ...rest }) }],
});

export const sessionsDelete = method({
  name: "sessions.delete",
  scope: "operator.admin",
  params: z.strictObject({ key, deleteTranscript: z.boolean().optional() }),
  result: z.strictObject({ ok: z.literal(true), key: z.string(), deleted: z.boolean(), archived: z.array(z.string()) }),
  summary: "Removes a session and everything that was said in it, for good.",
});

export const sessionsCompact = method({
  name: "sessions.compact",
  scope: "operator.admin",
  params: z.strictObject({
    key,
    agentId: z.string().min(1).optional(),
    /** What the summary should look at. */
    instructions: z.string().max(limits.summaryInstructionsChars).optional(),
    /** Keeps the newest so many messages and leaves the older ones out without a summary; asks no model. */
    maxLines: z.number().int().min(1).optional(),
  }),
  result: z.strictObject({
    ok: z.literal(true),
    key: z.string(),
    compacted: z.boolean(),
    method: z.enum(["summary", "truncation"]).optional(),
    tokensBefore: z.number().int().optional(),
    tokensAfter: z.number().int().optional(),
    /** In words, why nothing was compacted. */
    reason: z.string().optional(),
  }),
  summary: "Sums up the older part of a session, in the session's own order; all of it stays in the history.",
});

export const sessionsResolve = method({
  name: "sessions.resolve",
  scope: "operator.read",
  params: z.strictObject({
    key: key.optional(),
    sessionId: z.string().min(1).optional(),
    label: z.string().min(1).max(512).optional(),
    agentId: z.string().min(1).optional(),
    allowMissing: z.boolean().optional(),
  }),
  result: z.union([
    z.strictObject({ ok: z.literal(true), key: z.string(), agentId: z.string() }),
    z.strictObject({ ok: z.literal(false) }),
  ]),
  summary: "Finds the one session a key, id or label means.",
});

export const sessionsSearch = method({
  name: "sessions.search",
  scope: "operator.read",
  params: z.strictObject({
    query: z.string().trim().min(1).max(512),
    key: key.optional(),
    limit: z.number().int().min(1).max(200).optional(),
    cursor: z.string().min(1).max(64).optional(),
  }),
  result: z.strictObject({
    hits: z.array(
      z.strictObject({
        key: z.string(),
        sessionId: z.string(),
        entryId: z.string(),
        ts: z.number(),
        role: z.string(),
        /** What stands around the words. */
        text: z.string(),
      }),
    ),
    nextCursor: z.string().nullable(),
  }),
  summary: "What was said with these words in it, in all sessions or one, those begun anew since included.",
});

export const sessionsExport = method({
  name: "sessions.export",
  scope: "operator.admin",
  params: z.strictObject({
    key,
    sessionId: z.string().min(1).optional(),
    afterSeq: z.number().int().nonnegative().optional(),
    limit: z.number().int().min(1).max(10_000).optional(),
  }),
  result: z.strictObject({
    key: z.string(),
    sessionId: z.string(),
    agentId: z.string(),
    lines: z.array(z.string()),
    /** Where the next page begins; null behind the last line. */
    nextSeq: z.number().int().nullable(),
  }),
  summary: "A session as JSON lines, a page at a time; the first page begins with the header line.",
});

export const sessionsImport = method({
  name: "sessions.import",
  scope: "operator.admin",
  params: z.strictObject({
    key,
    agentId: z.string().min(1).optional(),
    lines: z.array(z.string()).min(1).max(100_000),
  }),
  result: z.strictObject({ ok: z.literal(true), key: z.string(), sessionId: z.string(), entries: z.number().int() }),
  summary: "Brings a session back from its JSON lines. A key that has entries is refused.",
});

const subscription = z.strictObject({ key: key.optional(), sessionKey: key.optional() });

export const sessionsSubscribe = method({
  name: "sessions.subscribe",
  scope: "operator.read",
  params: subscription,
  result: z.strictObject({ ok: z.literal(true), subscribed: z.union([z.literal("all"), z.array(z.string())]) }),
  summary: "From here on only the events of the sessions named are heard; without a key, those of all again.",
  aliases: [{ name: "sessions.messages.subscribe", adapt: ({ key: named }) => ({ key: named }) }],
});

export const sessionsUnsubscribe = method({
  name: "sessions.unsubscribe",
  scope: "operator.read",
  params: subscription,
  result: z.strictObject({ ok: z.literal(true), subscribed: z.union([z.literal("all"), z.array(z.string())]) }),
  summary: "Ends what `sessions.subscribe` began for one session, or for all.",
  aliases: [{ name: "sessions.messages.unsubscribe", adapt: ({ key: named }) => ({ key: named }) }],
});
