/** Methods of policy: what would be decided about a call and by which rule, and what another configuration would decide. */
import { z } from "zod";
import { limits } from "../../domain/limits.ts";
import { addressSchema, chatKinds } from "../../domain/message.ts";
import { tiers } from "../../domain/tier.ts";
import { turnOrigins } from "../../domain/turn-origin.ts";
import { method } from "../method.ts";

const word = z.string().min(1).max(512);
const text = z.string().max(limits.decisionFactsBytes);

export const actSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("look") }),
  z.object({
    kind: z.literal("file"),
    path: text,
    access: z.enum(["read", "write"]),
    inside: z.boolean(),
    names: z.array(text).optional(),
    text: text.optional(),
  }),
  z.object({ kind: z.literal("command"), text, cwd: text, env: z.record(z.string(), text) }),
  z.object({ kind: z.literal("fetch"), url: text, known: z.boolean().optional() }),
  z.object({ kind: z.literal("message"), to: addressSchema, own: z.boolean(), text }),
  z.object({ kind: z.literal("session"), sessionKey: text, agentId: text, text }),
  z.object({ kind: z.literal("memory"), access: z.enum(["read", "write"]), text: text.optional() }),
  z.object({ kind: z.literal("server"), server: text, tool: text, readOnly: z.boolean(), text: text.optional() }),
]);

const taintSchema = z.object({ class: z.enum(["foreign", "local"]), source: text });

/** What a call is judged by; as it is kept with the decision. */
export const callFactsSchema = z.object({
  agentId: word,
  origin: z.enum(turnOrigins),
  sessionKey: z.string().max(limits.sessionKeyChars),
  channel: word.nullable(),
  accountId: word.nullable(),
  chatKind: z.enum(chatKinds).nullable(),
  senderId: word.nullable(),
  isOwner: z.boolean(),
  provider: word.nullable(),
  tier: z.enum(tiers).nullable(),
  sandboxed: z.boolean(),
  within: z.array(z.string()).nullable(),
  isMain: z.boolean(),
  tool: word,
  act: actSchema,
  taint: z.array(taintSchema),
});

const rule = z.strictObject({ where: z.string(), says: z.string() });
const effect = z.enum(["allow", "ask", "deny"]);

const question = z.strictObject({
  shown: z.string(),
  reasons: z.array(z.string()),
  /** What "always" would allow from then on, for people; null where it can be allowed once only. */
  always: z.string().nullable(),
  fallback: z.enum(["deny", "allow"]),
});

export const policyExplain = method({
  name: "policy.explain",
  // A command is looked up on the disk, and the rules name people.
  scope: "operator.admin",
  params: callFactsSchema
    .partial()
    .extend({
      tool: word,
      /** What the call would be about, in one line, where no act is given: a command, a path, an address. */
      words: text.optional(),
    })
    .strict(),
  result: z.strictObject({
    effect,
    rule,
    trail: z.array(rule),
    /** What the model would read; null where it is not denied. */
    message: z.string().nullable(),
    /** What a person would be asked; null where nobody is. */
    question: question.nullable(),
    facts: callFactsSchema,
  }),
  summary: "What would be decided about this call now, by the same rules as at run time, and which rule decides.",
});

const side = z.strictObject({ effect, rule: z.string() });

export const policyDiff = method({
  name: "policy.diff",
  scope: "operator.admin",
  params: z.strictObject({
    /** A whole configuration, as it would stand in the file. */
    candidate: z.string().min(1).max(limits.configBytes),
    /** From this moment on; without it the last `spanMs`, and without that 30 days. */
    sinceMs: z.number().int().nonnegative().optional(),
    spanMs: z.number().int().positive().optional(),
    /** Recorded decisions to look at. */
    limit: z.number().int().min(1).max(limits.policyDiffRows).optional(),
    cursor: z.string().min(1).max(64).optional(),
    /** Also those that another rule would decide the same way. */
    rules: z.boolean().optional(),
  }),
  result: z.strictObject({
    looked: z.number().int(),
    /** Decisions that cannot be tried again: their facts were too large to be kept whole. */
    skipped: z.number().int(),
    changed: z.array(
      z.strictObject({
        id: z.string(),
        atMs: z.number().int(),
        runId: z.string(),
        sessionKey: z.string(),
        agentId: z.string(),
        tool: z.string(),
        shown: z.string(),
        before: side,
        /** By today's configuration: another answer than `before` says that the world has changed since. */
        now: side,
        after: side.extend({ says: z.string() }),
      }),
    ),
    nextCursor: z.string().nullable(),
  }),
  summary: "Recorded decisions that another configuration would decide otherwise, oldest first, in pages.",
});
