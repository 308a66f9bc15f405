/** Skill packs: what there is, what is missing for them, and new ones. */
import { z } from "zod";
import { limits } from "../../domain/limits.ts";
import { method } from "../method.ts";

const name = z.string().min(1).max(limits.skillNameChars);

export const skillsStatus = method({
  name: "skills.status",
  scope: "operator.read",
  params: z.strictObject({ agentId: z.string().min(1).max(128).optional() }),
  result: z.strictObject({
    agentId: z.string(),
    skills: z.array(
      z.strictObject({
        name: z.string(),
        description: z.string(),
        source: z.enum(["bundled", "managed", "workspace", "extra"]),
        baseDir: z.string(),
        eligible: z.boolean(),
        missing: z.array(z.string()),
        emoji: z.string().optional(),
        homepage: z.string().optional(),
      }),
    ),
  }),
  summary: "Every skill pack there is for an agent, and what is missing for those that cannot be used.",
});

export const skillsBins = method({
  name: "skills.bins",
  scope: "node",
  params: z.strictObject({}),
  result: z.strictObject({ bins: z.array(z.string()) }),
  summary: "Programs that any skill pack asks for.",
});

export const skillsInstall = method({
  name: "skills.install",
  scope: "operator.admin",
  params: z.union([
    /** A pack as a zip file, base64. */
    z.strictObject({ zip: z.base64().max(Math.ceil((limits.packZipBytes * 4) / 3) + 4) }),
    /** What a pack names as a way to get what it needs: told, not done. */
    z.strictObject({
      name,
      installId: z.string().min(1).max(128),
      agentId: z.string().min(1).max(128).optional(),
      timeoutMs: z.number().int().positive().optional(),
    }),
  ]),
  result: z.strictObject({ ok: z.boolean(), name: z.string().optional(), message: z.string() }),
  summary: "Puts a pack on the shelf of all agents, or tells how to get the program that one needs.",
});

export const skillsUpdate = method({
  name: "skills.update",
  scope: "operator.admin",
  params: z.strictObject({
    skillKey: name,
    enabled: z.boolean().optional(),
    apiKey: z.string().max(limits.secretBytes).optional(),
    env: z.record(z.string().min(1).max(128), z.string().max(limits.secretBytes)).optional(),
  }),
  result: z.strictObject({ ok: z.literal(true), skillKey: z.string() }),
  summary: "Switches a skill on or off, or sets its key and variables, in the configuration.",
});
