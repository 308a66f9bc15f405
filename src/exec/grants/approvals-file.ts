/**
 * The shape of `exec-approvals.json`, version 1, as other OpenClaw homes have it, with what we add to a line of its lists:
 * the exact words, who allowed it and until when. What we do not know of it is kept.
 */
import { contentHash } from "../../platform/content-hash.ts";
import * as z from "zod";
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import { isUsablePattern } from "./path-pattern.ts";

const security = z.enum(["deny", "allowlist", "full"]);
const settingsShape = {
  security: security.optional(),
  ask: z.enum(["off", "on-miss", "always"]).optional(),
  askFallback: security.optional(),
  autoAllowSkills: z.boolean().optional(),
};

const entrySchema = z.looseObject({
  id: z.string().max(128).optional(),
  pattern: z.string().min(1).max(1_024),
  /** The words behind the program that must be the same. Absent or null: any that do no harm. */
  argv: z.array(z.string().max(limits.commandLineChars)).max(1_000).nullish(),
  by: z.string().max(512).optional(),
  /** Milliseconds since the epoch, as the three below. */
  createdAt: z.number().optional(),
  expiresAt: z.number().nullish(),
  lastUsedAt: z.number().optional(),
  lastUsedCommand: z.string().max(limits.commandLineChars).optional(),
  lastResolvedPath: z.string().max(4_096).optional(),
});

const agentSchema = z.looseObject({
  ...settingsShape,
  allowlist: z.array(entrySchema).max(limits.commandGrants).optional(),
});

const fileSchema = z.looseObject({
  version: z.literal(1),
  socket: z.looseObject({ path: z.string().optional(), token: z.string().optional() }).optional(),
  defaults: z.looseObject(settingsShape).optional(),
  agents: z.record(z.string().min(1).max(64), agentSchema).default({}),
});

export type ApprovalsFile = z.infer<typeof fileSchema>;
export type AllowEntry = z.infer<typeof entrySchema>;
export interface ExecSettings {
  readonly security?: "deny" | "allowlist" | "full" | undefined;
  readonly ask?: "off" | "on-miss" | "always" | undefined;
  readonly askFallback?: "deny" | "allowlist" | "full" | undefined;
}

export const emptyApprovals: ApprovalsFile = Object.freeze({ version: 1, agents: {} });

/**
 * Throws RPC_003 where it has not the shape, or a pattern could match what nobody meant. What `current` has already, from
 * another home, may stay: it matches nothing.
 */
export function checkApprovals(value: unknown, current: ApprovalsFile): ApprovalsFile {
  const read = readApprovals(value);
  if (!read.ok) throw new AppError("RPC_003", read.why);
  for (const [agentId, { allowlist = [] }] of Object.entries(read.file.agents)) {
    const known = new Set((current.agents[agentId]?.allowlist ?? []).map(({ pattern }) => pattern));
    const bad = allowlist.find(({ pattern }) => !known.has(pattern) && !isUsablePattern(pattern));
    if (bad !== undefined) {
      throw new AppError(
        "RPC_003",
        `agents.${agentId}.allowlist: ${JSON.stringify(bad.pattern)} must be an absolute path, or a pattern of one, without "..".`,
      );
    }
  }
  return read.file;
}

/** A pattern that cannot match is let through here: a file of another home is kept as it is. */
export function readApprovals(
  value: unknown,
): { readonly ok: true; readonly file: ApprovalsFile } | { readonly ok: false; readonly why: string } {
  const parsed = fileSchema.safeParse(value);
  if (parsed.success) return { ok: true, file: parsed.data };
  const [issue] = parsed.error.issues;
  return { ok: false, why: `exec approvals: at /${issue?.path.join("/") ?? ""}: ${issue?.message ?? "not readable"}` };
}

/** Of what was decided: when something was last used changes nothing of it. */
export function approvalsHash(file: ApprovalsFile): string {
  const agents = Object.entries(file.agents).map(([id, agent]) => [
    id,
    {
      ...agent,
      allowlist: (agent.allowlist ?? []).map(
        ({ lastUsedAt: _at, lastUsedCommand: _command, lastResolvedPath: _path, ...entry }) => entry,
      ),
    },
  ]);
  return contentHash({ ...file, agents });
}

/** What goes over the wire: the socket's token is a credential. */
export function withoutToken(file: ApprovalsFile): ApprovalsFile {
  if (file.socket === undefined) return file;
  const { token: _token, ...socket } = file.socket;
  return { ...file, socket };
}
