/** The logins of one state directory without a gateway: what a command lists, stores and removes. */
import { createConfigAccess } from "../config/access.ts";
import type { Config } from "../config/schema/root.ts";
import type { Environment } from "../config/environment.ts";
import type { AuthProfile, Vault } from "../credentials/contract.ts";
import { profileKinds } from "../credentials/contract.ts";
import { oauthClient, type OAuthClientFound } from "../credentials/oauth/services.ts";
import { parseProfileId, scopeOf, type ProfileDocument } from "../credentials/profiles/profile-document.ts";
import { AppError } from "../domain/app-error.ts";
import { systemClock, type Clock } from "../platform/clock.ts";
import { createEgress } from "../platform/egress.ts";
import { systemIds, type Ids } from "../platform/ids.ts";
import { silentLog } from "../platform/log.ts";
import { createRedactor } from "../platform/redact.ts";
import { channelSettings } from "./channel-settings.ts";
import { noModelLists } from "./model-list-file.ts";
import { createModels, type Models } from "./models.ts";
import { openSecrets, type AskPassphrase } from "./secrets.ts";
import { version } from "./version.ts";

export interface ListedLogin extends Pick<AuthProfile, "id" | "provider" | "kind" | "expiresMs"> {
  /** `nowhere`: the configuration names it, and no secret is stored. */
  readonly source: AuthProfile["source"] | "nowhere";
  readonly state: AuthProfile["state"] | "missing";
  /** Of what the configuration says, for people. */
  readonly account: string | null;
  /** Why it stands where it does in its provider's order. */
  readonly why: string;
}

/** What is stored of one. */
export type NewLogin = ProfileDocument;

export interface Logins {
  /** By provider, each in the order in which they are tried. Works without the vault's key. */
  list(): Promise<readonly ListedLogin[]>;
  /** Resolves with whether there was one of that name, which it replaces. Throws SYS_003 for a name that cannot be one. */
  store(profileId: string, login: NewLogin, expiresMs?: number | null): Promise<boolean>;
  /** Resolves with whether there was one. */
  remove(profileId: string): Promise<boolean>;
  client(issuer: string): OAuthClientFound;
  /** What a login at a provider's page needs. */
  readonly flow: { readonly clock: Clock; readonly ids: Ids; readonly fetchFor: (url: string) => typeof fetch };
  close(): Promise<void>;
}

/** Throws CFG_003 or CFG_004 where a gateway would refuse to start. */
export async function openLogins(environment: Environment, ask?: AskPassphrase): Promise<Logins> {
  const [clock, ids, log, redactor] = [systemClock(), systemIds(), silentLog(), createRedactor()];
  const secrets = openSecrets({ environment, clock, redactor, ...(ask === undefined ? {} : { ask }) });
  const { vault } = secrets;
  const config = await createConfigAccess({
    environment,
    ...channelSettings(),
    version,
    clock,
    log,
    secrets: secrets.source,
  });
  const settings = config.current();
  const models = createModels({
    environment: () => config.environment(),
    config: () => settings.config,
    missingSecrets: () => settings.missingSecrets,
    listStore: noModelLists,
    vault,
    bus: { emit: () => undefined },
    clock,
    ids,
    log,
    redact: redactor.add,
  });
  const egress = createEgress({ allowPrivate: () => false, log });
  return {
    list: () => listed(models, settings.config),
    store: (profileId, document, expiresMs) => stored(vault, profileId, document, expiresMs ?? null),
    remove: (profileId) => removed(vault, checked(profileId), profileKinds),
    client: (issuer) => oauthClient(issuer, settings.config.auth.oauth),
    flow: { clock, ids, fetchFor: (url) => egress.trustedFetch([url]) },
    async close() {
      await models.close();
      await egress.close();
      await config.close();
    },
  };
}

async function listed({ profiles, catalogue }: Models, config: Config): Promise<readonly ListedLogin[]> {
  await profiles.look();
  const declared = config.auth.profiles;
  const providers = new Set([
    ...Object.keys(config.models.providers),
    ...catalogue()
      .list()
      .map(({ provider }) => provider),
    ...profiles.storedProviders(),
    ...Object.values(declared).map(({ provider }) => provider),
  ]);
  return [...providers].sort().flatMap((provider) => {
    const there = profiles
      .explain(provider)
      .ordered.map(({ profile: { id, kind, source, expiresMs, state }, why }): ListedLogin => ({
        id,
        provider,
        kind,
        source,
        expiresMs,
        state,
        account: accountOf(declared, id),
        why,
      }));
    const known = new Set(there.map(({ id }) => id));
    const missing = Object.entries(declared)
      .filter(([id, one]) => one.provider === provider && !known.has(id))
      .map(([id, { mode, email }]): ListedLogin => {
        const kind = mode === "api_key" ? "api-key" : mode;
        const why = "named by auth.profiles, and nothing is stored of it";
        const rest = { expiresMs: null, account: email ?? null };
        return { id, provider, kind, source: "nowhere", state: "missing", why, ...rest };
      });
    return [...there, ...missing];
  });
}

function accountOf(declared: Config["auth"]["profiles"], id: string): string | null {
  return (Object.hasOwn(declared, id) ? declared[id]?.email : undefined) ?? null;
}

async function stored(
  vault: Vault,
  profileId: string,
  document: ProfileDocument,
  expiresMs: number | null,
): Promise<boolean> {
  const scope = scopeOf(checked(profileId));
  const before = (await vault.list()).some((info) => info.scope === scope);
  await vault.scoped(scope).write(document.kind, JSON.stringify(document), { expiresMs });
  // Only behind the new one: a command that dies in between leaves the newer of two.
  await removed(
    vault,
    profileId,
    profileKinds.filter((kind) => kind !== document.kind),
  );
  return before;
}

async function removed(vault: Vault, profileId: string, kinds: readonly string[]): Promise<boolean> {
  const scope = scopeOf(profileId);
  const there = (await vault.list()).filter((info) => info.scope === scope && kinds.includes(info.name));
  for (const { name } of there) await vault.scoped(scope).remove(name);
  return there.length > 0;
}

function checked(profileId: string): string {
  if (parseProfileId(profileId) !== null) return profileId;
  throw new AppError(
    "SYS_003",
    `${JSON.stringify(profileId)} is no name of a login: it is <provider>:<name>, and config, env and aws are taken.`,
  );
}
