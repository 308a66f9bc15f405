/** Methods of what commands are allowed for good. For administrators: whoever writes here decides what runs unasked. */
import { z } from "zod";
import { method } from "../method.ts";

const snapshot = z.strictObject({
  /** Of the file that an export writes and an import was read from, on the gateway's machine. */
  path: z.string(),
  /** Whether anything is stored. */
  exists: z.boolean(),
  /** Base of the next change; a last use does not alter it. */
  hash: z.string(),
  /** `{version: 1, defaults, agents}`, without the token of the socket. */
  file: z.record(z.string(), z.unknown()),
});

export const execApprovalsGet = method({
  name: "exec.approvals.get",
  scope: "operator.admin",
  params: z.strictObject({}),
  result: snapshot,
  summary: "The rules and lists of commands that agents may run unasked.",
});

export const execApprovalsSet = method({
  name: "exec.approvals.set",
  scope: "operator.admin",
  params: z.strictObject({
    file: z.record(z.string(), z.unknown()),
    /** What was read; may be left out only where nothing is stored yet. */
    baseHash: z.string().min(1).max(128).nullable().optional(),
  }),
  result: snapshot,
  summary: "Replaces them. A stale base hash is refused.",
});

export const execApprovalsExport = method({
  name: "exec.approvals.export",
  scope: "operator.admin",
  params: z.strictObject({}),
  result: z.strictObject({ path: z.string() }),
  summary: "Writes them to exec-approvals.json in the state directory, readable by its owner alone.",
});
