/** The named files of an agent's workspace, edited from afar. */
import { z } from "zod";
import { limits } from "../../domain/limits.ts";
import { method } from "../method.ts";

const agentId = z.string().min(1).max(128);
const name = z.string().min(1).max(128);
const file = z.strictObject({
  name: z.string(),
  missing: z.boolean(),
  size: z.number().int(),
  updatedAtMs: z.number().int().nullable(),
});

export const agentFilesList = method({
  name: "agents.files.list",
  scope: "operator.read",
  params: z.strictObject({ agentId }),
  result: z.strictObject({ agentId: z.string(), workspace: z.string(), files: z.array(file) }),
  summary: "The files of a workspace that speak to its agent, those that are missing too.",
});

export const agentFilesGet = method({
  name: "agents.files.get",
  scope: "operator.read",
  params: z.strictObject({ agentId, name }),
  result: z.strictObject({ agentId: z.string(), file: file.extend({ content: z.string() }) }),
  summary: "One of them, whole; empty where it is missing.",
});

export const agentFilesSet = method({
  name: "agents.files.set",
  scope: "operator.admin",
  params: z.strictObject({ agentId, name, content: z.string().max(limits.workspaceFileBytes) }),
  result: z.strictObject({ ok: z.literal(true), agentId: z.string(), file }),
  summary: "Writes one of them, whole or not at all.",
});
