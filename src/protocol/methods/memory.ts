/** Methods of the memory: what agents have noted, found, added and forgotten, and how its index stands. */
import { z } from "zod";
import { limits } from "../../domain/limits.ts";
import { method } from "../method.ts";

const agentId = z.string().min(1).max(64).optional();
const line = z.number().int().min(1);
const file = z.string().min(1).max(300);

const statusSchema = z.strictObject({
  agentId: z.string(),
  files: z.number().int(),
  chunks: z.number().int(),
  /** Chunks with a vector. */
  embedded: z.number().int(),
  /** `provider/model` of the vectors; null where words alone are searched. */
  model: z.string().nullable(),
  indexing: z.boolean(),
  lastIndexedMs: z.number().nullable(),
  trouble: z.string().nullable(),
});

export const memorySearch = method({
  name: "memory.search",
  scope: "operator.read",
  params: z.strictObject({
    query: z.string().min(1).max(limits.memoryQueryChars),
    agentId,
    limit: z.number().int().min(1).max(limits.memoryResults).optional(),
  }),
  result: z.strictObject({
    hits: z.array(
      z.strictObject({
        path: z.string(),
        startLine: line,
        endLine: line,
        text: z.string(),
        score: z.number(),
        foreign: z.string().nullable(),
      }),
    ),
    notice: z.string().nullable(),
  }),
  summary: "Finds what an agent remembers, by words and by meaning.",
});

export const memoryAdd = method({
  name: "memory.add",
  scope: "operator.write",
  params: z.strictObject({ text: z.string().min(1).max(limits.memoryNoteBytes), agentId }),
  result: z.strictObject({ path: z.string(), startLine: line }),
  summary: "Adds a note to those of today; it is a private one, and groups do not see it.",
});

export const memoryForget = method({
  name: "memory.forget",
  scope: "operator.admin",
  params: z.strictObject({
    path: file,
    startLine: line,
    endLine: line,
    containing: z.string().min(1).optional(),
    agentId,
  }),
  result: z.strictObject({ ok: z.literal(true), pieces: z.number().int() }),
  summary: "Takes lines out of a memory file, and every trace of them out of the index.",
});

export const memoryIndex = method({
  name: "memory.index",
  scope: "operator.write",
  params: z.strictObject({ all: z.boolean().optional(), agentId }),
  result: statusSchema,
  summary: "Looks at every file of the memory now and makes the vectors that are missing; answers when that is done.",
});

export const memoryStatus = method({
  name: "memory.status",
  scope: "operator.read",
  params: z.strictObject({ agentId }),
  result: statusSchema,
  summary: "How the index of an agent's memory stands.",
});
