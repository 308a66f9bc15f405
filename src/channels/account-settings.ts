/**
 * Which accounts the configuration asks for. `channels.<id>` is the account `default`; `channels.<id>.accounts.<name>`
 * adds others, which take what they do not say from the section around them. It reads and judges; it starts nothing.
 */
import type { MissingSecret } from "../config/contract.ts";
import { AppError } from "../domain/app-error.ts";
import type { ChannelManifest } from "./contract.ts";

export const defaultAccountId = "default";

export interface AccountSetting {
  readonly channel: string;
  readonly accountId: string;
  readonly enabled: boolean;
  /** As written, without `enabled` and `accounts`. */
  readonly raw: Readonly<Record<string, unknown>>;
  /** What the channel's schema made of it; undefined where it does not fit. */
  readonly config: unknown;
  /** Why this account cannot run. One bad account leaves the others alone. */
  readonly problem: AppError | null;
}

type Section = Readonly<Record<string, unknown>>;

/** Sections of channels that we do not have are left out: the configuration warns about them. */
export function accountSettings(
  channels: Readonly<Record<string, Section>>,
  manifests: readonly ChannelManifest[],
  missingSecrets: readonly MissingSecret[] = [],
): readonly AccountSetting[] {
  return manifests.flatMap((manifest) => {
    const section = Object.hasOwn(channels, manifest.id) ? channels[manifest.id] : undefined;
    if (section !== undefined) {
      const settings = sectionSettings(manifest, section).map((one) => lacking(one, section, missingSecrets));
      return withoutTwins(manifest, settings);
    }
    return manifest.builtIn === true ? [setting(manifest, defaultAccountId, {})] : [];
  });
}

function sectionSettings(manifest: ChannelManifest, section: Section): readonly AccountSetting[] {
  const { accounts: named, ...shared } = section;
  const others = namedAccounts(named);
  const own = setting(manifest, defaultAccountId, shared);
  const extra = others
    .filter(([name]) => name !== defaultAccountId)
    .map(([name, value]) => setting(manifest, name, inherit(shared, value)));
  const namedDefault = others.find(([name]) => name === defaultAccountId);
  if (namedDefault !== undefined)
    return [setting(manifest, defaultAccountId, inherit(shared, namedDefault[1])), ...extra];
  // Beside named accounts, a section that lacks what every account needs is only there to be inherited.
  const onlyShared = extra.length > 0 && own.problem !== null && lacksSomething(manifest, shared);
  return onlyShared ? extra : [own, ...extra];
}

/**
 * An account whose secret is not there does not run, and is not tried: without the secret it could be wider than meant,
 * and no repetition brings it. What the section lacks, every account lacks that has none of its own.
 */
function lacking(one: AccountSetting, section: Section, missingSecrets: readonly MissingSecret[]): AccountSetting {
  const accounts = isRecord(section["accounts"]) ? section["accounts"] : {};
  const own = Object.hasOwn(accounts, one.accountId) ? accounts[one.accountId] : undefined;
  const found = missingSecrets.find(({ keys: [root, channel, ...rest] }) => {
    if (root !== "channels" || channel !== one.channel) return false;
    if (rest[0] === "accounts") return rest[1] === one.accountId;
    return !isRecord(own) || valueAt(own, rest) === undefined;
  });
  if (found === undefined || !one.enabled) return one;
  const problem = new AppError(found.code, `${found.path} ${found.message}`, { details: { path: found.path } });
  return { ...one, problem };
}

/** The first account of an identity has it; one that would be the same one again cannot run. */
function withoutTwins(
  { id, identity }: ChannelManifest,
  settings: readonly AccountSetting[],
): readonly AccountSetting[] {
  const owners = new Map<unknown, string>();
  return settings.map((one) => {
    const value = identity === undefined || !isRecord(one.config) ? undefined : one.config[identity];
    if (value === undefined || !one.enabled) return one;
    const owner = owners.get(value);
    if (owner === undefined) {
      owners.set(value, one.accountId);
      return one;
    }
    const message = `${id}/${one.accountId} has the same ${identity} as ${id}/${owner}: give it one of its own, or remove it.`;
    return { ...one, problem: new AppError("CFG_004", message, { details: { same: owner } }) };
  });
}

function namedAccounts(named: unknown): readonly (readonly [string, unknown])[] {
  return isRecord(named) ? Object.entries(named) : [];
}

/** A channel that is switched off takes its accounts with it. */
function inherit(shared: Section, value: unknown): unknown {
  if (!isRecord(value)) return value;
  return { ...shared, ...value, enabled: shared["enabled"] === false ? false : value["enabled"] };
}

function setting(manifest: ChannelManifest, accountId: string, value: unknown): AccountSetting {
  const base = { channel: manifest.id, accountId };
  const where =
    accountId === defaultAccountId ? `channels.${manifest.id}` : `channels.${manifest.id}.accounts.${accountId}`;
  if (!isRecord(value)) {
    const problem = new AppError("CFG_004", `${where} must be an object.`, { details: { path: where } });
    return { ...base, enabled: true, raw: {}, config: undefined, problem };
  }
  const { enabled, accounts: _nested, ...raw } = value;
  const parsed = manifest.configSchema.safeParse(raw);
  if (parsed.success) return { ...base, enabled: enabled !== false, raw, config: parsed.data, problem: null };
  // Only where and what was expected: the value itself may be a secret.
  const issues = parsed.error.issues.map((issue) => `${[where, ...issue.path].join(".")}: ${issue.message}`);
  const problem = new AppError("CFG_004", issues.join("; "), { details: { issues } });
  return { ...base, enabled: enabled !== false, raw, config: undefined, problem };
}

/** True where something required is not there at all, as opposed to being wrong. */
function lacksSomething(manifest: ChannelManifest, value: Section): boolean {
  const parsed = manifest.configSchema.safeParse(value);
  return !parsed.success && parsed.error.issues.every((issue) => valueAt(value, issue.path) === undefined);
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let found = value;
  for (const key of path) {
    if (!isRecord(found) || typeof key === "symbol") return undefined;
    found = found[key];
  }
  return found;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
