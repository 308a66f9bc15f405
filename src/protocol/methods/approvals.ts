/** Methods of approvals: what a person is asked before it is done, and the answer. */
import { z } from "zod";
import { method } from "../method.ts";

const id = z.string().min(1).max(64);
const when = z.number().int();
const decision = z.enum(["allow-once", "allow-always", "deny"]);
const state = z.enum(["open", "allowed", "denied", "expired"]);

export const approvalSchema = z.strictObject({
  id: z.string(),
  kind: z.enum(["exec", "tool", "in-doubt"]),
  tool: z.string(),
  /** Whole and exact: this, and nothing else, is what is allowed. */
  shown: z.string(),
  /** Folder of a command. */
  cwd: z.string().nullable(),
  /** Programs that the command names, by real path. */
  programs: z.array(z.string()).readonly(),
  reasons: z.array(z.string()).readonly(),
  /** What the assistant had read when it asked, and nobody who is admitted had typed. */
  taint: z.array(z.strictObject({ class: z.enum(["foreign", "local"]), source: z.string() })).readonly(),
  /** What `allow-always` would allow from then on; null where it can be allowed once only. */
  always: z.string().nullable(),
  runId: z.string(),
  callId: z.string(),
  sessionKey: z.string(),
  agentId: z.string(),
  channel: z.string(),
  senderId: z.string(),
  createdMs: when,
  expiresMs: when,
  state,
  decidedMs: when.nullable(),
  decidedBy: z.string().nullable(),
  answer: decision.nullable(),
});

export const approvalList = method({
  name: "exec.approval.list",
  scope: "operator.approvals",
  params: z.strictObject({ sessionKey: z.string().min(1).max(512).optional() }),
  result: z.strictObject({ approvals: z.array(approvalSchema) }),
  summary: "Questions about acts that are open, newest first.",
  aliases: [{ name: "approvals.pending" }],
});

export const approvalGet = method({
  name: "exec.approval.get",
  scope: "operator.approvals",
  params: z.strictObject({ id }),
  result: approvalSchema,
  summary: "One question, in whatever state.",
});

/** Not strict: what is no field of a request is left out, whatever it says of programs, grants or who is asked. */
export const approvalRequest = method({
  name: "exec.approval.request",
  scope: "operator.approvals",
  params: z.object({
    /** The caller's own name for it: the same again is the same question. */
    id: id.optional(),
    command: z.string().min(1).max(65_536),
    /** On one line: it is shown in front of the command. */
    cwd: z
      .string()
      .min(1)
      .max(4_096)
      .regex(/^[^\p{Cc}\u2028\u2029]*$/u)
      .optional(),
    sessionKey: z.string().min(1).max(512).optional(),
    agentId: z.string().min(1).max(64).optional(),
    /** Answers at once with the id; the decision comes with `exec.approval.waitDecision` or the event. */
    twoPhase: z.boolean().optional(),
    timeoutMs: z.number().int().positive().max(86_400_000).optional(),
  }),
  result: z.strictObject({
    id: z.string().nullable(),
    status: z.enum(["accepted", "decided"]),
    decision: decision.nullable(),
    /** `nobody-to-ask`: nothing that could show the question is connected. */
    reason: z.string().nullable(),
    expiresAtMs: when.nullable(),
  }),
  summary: "Asks whoever may answer whether a command of the caller's own may run. The gateway runs nothing of it.",
});

export const approvalWait = method({
  name: "exec.approval.waitDecision",
  scope: "operator.approvals",
  params: z.strictObject({ id, timeoutMs: z.number().int().positive().max(86_400_000).optional() }),
  result: z.strictObject({ id: z.string(), state, decision: decision.nullable(), decidedBy: z.string().nullable() }),
  summary: "Waits for the answer to a question; the decision is null where nobody has answered by then.",
});

export const approvalResolve = method({
  name: "exec.approval.resolve",
  scope: "operator.approvals",
  params: z.strictObject({ id, decision }),
  result: z.strictObject({
    ok: z.boolean(),
    id: z.string(),
    /** `late`: somebody was here before, or its time is over; `state` is how it stands. */
    outcome: z.enum(["decided", "late"]),
    state,
    decidedBy: z.string().nullable(),
    /** Whether what was allowed for good is written down; null where that was not asked for. */
    always: z.enum(["written", "failed"]).nullable(),
  }),
  summary: "Answers a question. The first answer counts.",
  aliases: [
    {
      name: "approvals.respond",
      adapt: ({ id: named, approvalId, decision: wish, approved, allow }) => ({
        id: named ?? approvalId,
        decision:
          wish ?? (typeof (approved ?? allow) === "boolean" ? ((approved ?? allow) ? "allow-once" : "deny") : null),
      }),
    },
  ],
});
