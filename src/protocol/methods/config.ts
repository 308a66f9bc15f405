/** Methods of the configuration. Reading is redacted; writing is for administrators, and rare. */
import { z } from "zod";
import { limits } from "../../domain/limits.ts";
import { method } from "../method.ts";

const raw = z.string().min(1).max(limits.configBytes);
const baseHash = z.string().min(1).max(128);

const snapshotSchema = z.strictObject({
  /** For administrators. */
  path: z.string().optional(),
  exists: z.boolean(),
  valid: z.boolean(),
  hash: z.string(),
  version: z.number().int(),
  /** Never the file's text: it may hold secrets. */
  raw: z.null(),
  parsed: z.unknown(),
  config: z.unknown(),
  issues: z.array(z.record(z.string(), z.unknown())),
});

const written = z.strictObject({
  ok: z.literal(true),
  hash: z.string(),
  version: z.number().int(),
  config: z.unknown(),
});

export const configGet = method({
  name: "config.get",
  scope: "operator.read",
  params: z.strictObject({ path: z.string().max(512).optional() }),
  result: snapshotSchema,
  summary: "The configuration in force, with every secret hidden.",
  aliases: [
    {
      name: "config",
      when: (params) => params["set"] !== true,
      adapt: ({ key, set: _set }) => (key === undefined ? {} : { path: key }),
    },
  ],
});

export const configSet = method({
  name: "config.set",
  scope: "operator.admin",
  params: z.union([
    z.strictObject({ raw, baseHash: baseHash.optional() }),
    z.strictObject({ path: z.string().min(1).max(512), value: z.unknown().optional(), baseHash: baseHash.optional() }),
  ]),
  result: written,
  summary: "Writes the whole file, or one value at a dot path (without a value, removes it).",
  aliases: [
    {
      name: "config",
      when: (params) => params["set"] === true,
      adapt: ({ key, value }) => ({ path: key, value }),
    },
  ],
});

export const configPatch = method({
  name: "config.patch",
  scope: "operator.admin",
  params: z.union([
    z.strictObject({ raw, baseHash: baseHash.optional(), note: z.string().optional() }),
    z.strictObject({ patch: z.record(z.string(), z.unknown()), baseHash: baseHash.optional() }),
  ]),
  result: written,
  summary: "Merges a change into the file; null removes. A stale base hash is refused.",
  aliases: [{ name: "config.reload", adapt: () => ({ patch: {} }) }],
});

export const configApply = method({
  name: "config.apply",
  scope: "operator.admin",
  params: z.strictObject({ raw, baseHash: baseHash.optional(), note: z.string().optional() }),
  result: written,
  summary: "Replaces the whole file and applies it.",
});

export const configSchemaMethod = method({
  name: "config.schema",
  scope: "operator.read",
  params: z.strictObject({}),
  result: z.strictObject({
    schema: z.unknown(),
    uiHints: z.record(z.string(), z.strictObject({ sensitive: z.boolean().optional() })),
    version: z.string(),
    generatedAt: z.string(),
  }),
  summary: "The JSON Schema of the configuration file, and which values are secret.",
});
