/** Methods of the outbox: what waits to be said, and what a person decides about it. */
import { z } from "zod";
import { method } from "../method.ts";
import { shownPartSchema } from "../shown-item.ts";

const id = z.string().min(1).max(512);

/** The states of a part, as the store knows them. */
export const partStates = ["held", "prepared", "sending", "sent", "unknown", "failed", "expired"] as const;

export const outboxList = method({
  name: "outbox.list",
  scope: "operator.read",
  params: z.strictObject({
    state: z.enum(partStates).optional(),
    limit: z.number().int().min(1).max(1_000).optional(),
  }),
  result: z.strictObject({
    /** Null: what waits for a person, held or in doubt. */
    state: z.enum(partStates).nullable(),
    counts: z.record(z.string(), z.number().int().nonnegative()),
    parts: z.array(shownPartSchema),
  }),
  summary: "Parts in one state, newest first; without a state, those that wait for a person's word.",
});

const decided = z.strictObject({
  id: z.string(),
  /** `already-decided`: somebody was here before, or it waits for nobody. `state` is how it stands now. */
  outcome: z.enum(["approved", "denied", "resolved", "already-decided"]),
  state: z.string(),
});

export const outboxApprove = method({
  name: "outbox.approve",
  scope: "operator.approvals",
  params: z.strictObject({ id }),
  result: decided,
  summary: "Lets a held part go out, once.",
});

export const outboxDeny = method({
  name: "outbox.deny",
  scope: "operator.approvals",
  params: z.strictObject({ id, reason: z.string().min(1).max(500).optional() }),
  result: decided,
  summary: "Ends a held part unsent; who said so and why stands in its trace.",
});

export const outboxResolve = method({
  name: "outbox.resolve",
  scope: "operator.approvals",
  params: z.strictObject({ id, as: z.enum(["resend", "sent", "drop"]) }),
  result: decided,
  summary: "Says what became of a part in doubt: it arrived, it is to be sent again, or it is given up.",
});
