/**
 * The settings about who may talk that every channel shares, and how they become the rules that are applied.
 * It decides nothing itself. What is not set is closed: strangers are asked to pair, groups admit nobody.
 */
import { z } from "zod";
import { closedPolicy, type AdmissionPolicy } from "../domain/admission-policy.ts";

const entries = z.array(z.union([z.string(), z.number().transform(String)]));

/** One group's own answer; what it leaves out, the account's settings say. */
export const groupConfigSchema = z.object({
  enabled: z.boolean().optional(),
  requireMention: z.boolean().optional(),
  allowFrom: entries.optional(),
});

/** Spread into a channel's own schema. Number ids are taken as their text, since other systems' files have both. */
export const policyConfigShape = {
  enabled: z.boolean().default(true).describe("Whether the account connects at all."),
  dmPolicy: z
    .enum(["open", "allowlist", "pairing", "disabled"])
    .default(closedPolicy.dmPolicy)
    .describe(
      "Who may write directly: those in allowFrom; with open, an entry * stands for everybody; pairing also admits whoever was approved, for which this version has no command yet; with disabled, nobody.",
    ),
  groupPolicy: z
    .enum(["open", "allowlist", "disabled"])
    .default(closedPolicy.groupPolicy)
    .describe("Who is heard in groups: everybody, those in groupAllowFrom, nobody."),
  allowFrom: entries
    .default([])
    .describe(
      "Ids of the senders who may write. The log names the id of whoever was not let in: openclaw logs --scope channels.",
    ),
  groupAllowFrom: entries
    .nullable()
    .default(null)
    .describe("Ids of the senders who are heard in groups; without it, allowFrom says so."),
  groups: z
    .union([entries, z.record(z.string(), groupConfigSchema)])
    .nullable()
    .default(null)
    .describe(
      "Groups it listens in, as a list or with settings for each; * stands for every one. Without it: all it is in.",
    ),
  requireMention: z
    .boolean()
    .default(closedPolicy.requireMention)
    .describe("In a group, only what addresses the assistant is a request."),
  allowHandles: z
    .boolean()
    .default(closedPolicy.allowHandles)
    .describe("Lets a changeable name match an entry. Weak: anybody can take a free name."),
};

const policyConfigSchema = z.object(policyConfigShape);
export type PolicyConfig = z.output<typeof policyConfigSchema>;

export interface PolicyContext {
  /** The chat the message came from. */
  readonly chatId: string;
  /** The channel's name and its short forms. */
  readonly prefixes: readonly string[];
  readonly paired: readonly string[];
}

/**
 * The rules for one chat. `config` is an account's settings after its channel's schema; anything else, also settings
 * that do not fit, gives the closed policy: a mistake in a list never opens a door.
 */
export function admissionPolicyOf(config: unknown, context: PolicyContext): AdmissionPolicy {
  const parsed = policyConfigSchema.safeParse(config);
  const base = { paired: context.paired, prefixes: context.prefixes };
  if (!parsed.success) return { ...closedPolicy, ...base };
  const settings = parsed.data;
  const group = groupSettings(settings.groups, context);
  return {
    ...base,
    dmPolicy: settings.dmPolicy,
    // A chat that is switched off stays so beside an entry for every chat.
    groupPolicy: group?.enabled === false ? "disabled" : settings.groupPolicy,
    allowFrom: settings.allowFrom,
    groupAllowFrom: group?.allowFrom ?? settings.groupAllowFrom,
    groups: groupNames(settings.groups),
    requireMention: group?.requireMention ?? settings.requireMention,
    allowHandles: settings.allowHandles,
  };
}

/** Why nobody at all can be let in, for the status; null where somebody can. Silence would look like a broken channel. */
export function closedToAll(config: unknown): string | null {
  const parsed = policyConfigSchema.safeParse(config);
  if (!parsed.success) return null;
  const { dmPolicy, groupPolicy, allowFrom, groupAllowFrom } = parsed.data;
  const usable = dmPolicy === "open" ? allowFrom : allowFrom.filter((entry) => entry !== "*");
  const direct = dmPolicy === "pairing" || (dmPolicy !== "disabled" && usable.length > 0);
  const groups = groupPolicy === "open" || (groupPolicy === "allowlist" && (groupAllowFrom ?? allowFrom).length > 0);
  if (direct || groups) return null;
  return dmPolicy === "disabled"
    ? "nobody may write: direct messages and groups are closed"
    : "nobody may write: allowFrom names nobody";
}

type GroupSettings = z.output<typeof groupConfigSchema>;

function groupNames(groups: PolicyConfig["groups"]): readonly string[] | null {
  if (groups === null || Array.isArray(groups)) return groups;
  return Object.entries(groups)
    .filter(([, group]) => group.enabled !== false)
    .map(([name]) => name);
}

/** The most precise entry: the chat itself before `*`. */
function groupSettings(groups: PolicyConfig["groups"], context: PolicyContext): GroupSettings | undefined {
  if (groups === null || Array.isArray(groups)) return undefined;
  const names = [context.chatId, ...context.prefixes.map((prefix) => `${prefix}:${context.chatId}`), "*"];
  const name = names.find((candidate) => Object.hasOwn(groups, candidate));
  return name === undefined ? undefined : groups[name];
}
