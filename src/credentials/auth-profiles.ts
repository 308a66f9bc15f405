/**
 * The logins at model providers, whatever they are made of: stored ones of the vault, the key that stands in a
 * provider's settings, the variables of the environment, and what AWS's own tools would find. Owns which there are and
 * gives out what a provider needs, as late as can be; which of them is used for a call is somebody else's choice.
 */
import type { Config } from "../config/schema/root.ts";
import { AppError } from "../domain/app-error.ts";
import type { EventBus } from "../domain/events.ts";
import { limits } from "../domain/limits.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import type { Ids } from "../platform/ids.ts";
import type { Log } from "../platform/log.ts";
import type { AwsChain } from "./aws/contract.ts";
import type { AuthProfile, AuthProfiles, Credential, Vault } from "./contract.ts";
import type { OAuthRefresher } from "./oauth/contract.ts";
import { ambientProfiles, type ProviderLogin } from "./profiles/ambient-profiles.ts";
import {
  readDocument,
  scopeOf,
  secretsOf,
  type OAuthDocument,
  type ProfileDocument,
} from "./profiles/profile-document.ts";
import { orderProfiles, type ProfileOrder } from "./profiles/profile-order.ts";
import { createRevisionKey, type RevisionKey } from "./profiles/revision.ts";
import {
  createStoredProfiles,
  type ProfileChange,
  type StoredProfile,
  type StoredProfiles,
} from "./profiles/stored-profiles.ts";

export interface ProfileDesk extends AuthProfiles {
  /** As `of`, with the reasons, and with a login that somebody insists on in front. */
  explain(providerId: string, explicit?: string): ProfileOrder;
  /**
   * A provider refused the secret of this revision. An OAuth login is refreshed ahead of its time then, once per
   * revision; of every other kind nothing follows. Returns at once.
   */
  refused(profileId: string, revision: string): void;
  /** Providers of stored logins, also such that no setting names. */
  storedProviders(): readonly string[];
  /** Looks at the vault now. Never rejects. */
  look(): Promise<void>;
  /** Begins to look, and to refresh what runs out. Does not wait for it. */
  start(): void;
  /** Resolves after the first look, whatever it found. */
  readonly looked: Promise<void>;
  close(): Promise<void>;
}

export interface AuthProfilesDeps {
  readonly vault: Vault;
  readonly logins: () => readonly ProviderLogin[];
  readonly settings: () => Pick<Config["auth"], "order">;
  readonly aws: AwsChain;
  readonly refresher: OAuthRefresher;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly bus: Pick<EventBus, "emit">;
  /** Told every secret before it is given out. */
  readonly redact: (secret: string) => void;
}

export function createAuthProfiles(deps: AuthProfilesDeps): ProfileDesk {
  return new Desk(deps);
}

const shortestBeatMs = 1_000;

class Desk implements ProfileDesk {
  readonly #deps: AuthProfilesDeps;
  readonly #stored: StoredProfiles;
  readonly #revisions: RevisionKey;
  readonly #listeners = new Set<(providerId: string) => void>();
  readonly #first = Promise.withResolvers<void>();
  #timer: Timer | null = null;
  #isClosed = false;

  constructor(deps: AuthProfilesDeps) {
    this.#deps = deps;
    this.#stored = createStoredProfiles(deps);
    this.#revisions = createRevisionKey(deps);
  }

  get looked(): Promise<void> {
    return this.#first.promise;
  }

  of(providerId: string): readonly AuthProfile[] {
    return this.explain(providerId).ordered.map(({ profile }) => profile);
  }

  get(profileId: string): AuthProfile | undefined {
    return this.#all(profileId.slice(0, Math.max(0, profileId.lastIndexOf(":")))).find(({ id }) => id === profileId);
  }

  explain(providerId: string, explicit?: string): ProfileOrder {
    const { order } = this.#deps.settings();
    return orderProfiles({
      profiles: this.#all(providerId),
      explicit,
      order: Object.hasOwn(order, providerId) ? order[providerId] : undefined,
    });
  }

  storedProviders(): readonly string[] {
    return [...new Set(this.#stored.current().map(({ profile }) => profile.provider))];
  }

  async credential(profileId: string): Promise<Credential> {
    const profile = this.get(profileId);
    // One that is not known may have been stored a moment ago, by another program.
    if (profile === undefined || profile.source === "vault") return this.#ofVault(profileId);
    if (profile.source === "aws-chain") return { kind: "aws", aws: await this.#deps.aws.credential(null) };
    const login = this.#login(profile.provider);
    const secret = (profile.source === "config" ? login?.configKey : login?.environmentKey) ?? null;
    if (secret === null) throw refusal(profileId, "it is not set any more");
    this.#deps.redact(secret);
    return profile.kind === "token" ? { kind: "bearer", token: secret } : { kind: "key", apiKey: secret };
  }

  refused(profileId: string, revision: string): void {
    void this.#deps.refresher.refused(profileId, revision).then((changed) => (changed ? this.look() : undefined));
  }

  subscribe(listener: (providerId: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async look(): Promise<void> {
    const { aws, logins } = this.#deps;
    const [changes, awsChanged] = await Promise.all([this.#stored.look(), aws.look()]);
    for (const change of changes) this.#tellState(change);
    const providers = new Set(changes.map(({ before, after }) => (after ?? before)?.profile.provider ?? ""));
    if (awsChanged) for (const { id, usesAws } of logins()) if (usesAws) providers.add(id);
    for (const provider of providers) for (const listener of this.#listeners) listener(provider);
  }

  start(): void {
    void this.#revisions.load().then(() => this.#beat());
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    return this.#deps.refresher.close();
  }

  async #beat(): Promise<void> {
    const { refresher, clock } = this.#deps;
    await this.look();
    this.#first.resolve();
    if (await refresher.refreshDue(this.#stored.current())) await this.look();
    if (this.#isClosed) return;
    const dueInMs = refresher.nextDueInMs(this.#stored.current()) ?? limits.profileLookMs;
    // Never at once: whatever is due and stays so must not keep the machine busy.
    const delayMs = Math.min(limits.profileLookMs, Math.max(shortestBeatMs, dueInMs));
    this.#timer = clock.after(delayMs, () => void this.#beat());
  }

  #login(providerId: string): ProviderLogin | undefined {
    return this.#deps.logins().find(({ id }) => id === providerId);
  }

  #all(providerId: string): readonly AuthProfile[] {
    const stored = this.#stored
      .current()
      .filter(({ profile }) => profile.provider === providerId)
      .map((entry) => withState(entry, this.#deps.clock.nowMs()));
    const login = this.#login(providerId);
    return login === undefined ? stored : [...stored, ...ambientProfiles(login, this.#revisions, this.#deps.aws)];
  }

  async #ofVault(profileId: string): Promise<Credential> {
    const entry = this.#entry(profileId) ?? (await this.look().then(() => this.#entry(profileId)));
    if (entry === undefined) throw refusal(profileId, "there is no such login");
    const { kind } = entry.profile;
    const text = await this.#deps.vault.scoped(scopeOf(profileId)).read(kind);
    if (text === null) throw refusal(profileId, "it has run out or was removed");
    const document = readDocument(text);
    if (document?.kind !== kind) throw refusal(profileId, "what is stored of it cannot be read");
    for (const secret of secretsOf(document)) this.#deps.redact(secret);
    return this.#credentialOf(profileId, document);
  }

  #entry(profileId: string): StoredProfile | undefined {
    return this.#stored.current().find(({ profile }) => profile.id === profileId);
  }

  async #credentialOf(profileId: string, document: ProfileDocument): Promise<Credential> {
    switch (document.kind) {
      case "api-key":
        return { kind: "key", apiKey: document.apiKey };
      case "token":
        return bearer(document.token, document.headers);
      case "oauth": {
        const fresh = await this.#fresh(profileId, document);
        return bearer(fresh.accessToken, fresh.headers);
      }
      case "aws-sdk":
        return { kind: "aws", aws: await this.#deps.aws.credential({ ...document, profileId }) };
    }
  }

  /** What became of a refresh is known here before anybody acts on it. */
  async #fresh(profileId: string, document: OAuthDocument): Promise<OAuthDocument> {
    try {
      const fresh = await this.#deps.refresher.fresh(profileId, document);
      if (fresh !== document) await this.look();
      return fresh;
    } catch (error) {
      await this.look();
      throw error;
    }
  }

  /** Whoever changed it, this gateway or another program: somebody may have to log in again. */
  #tellState({ before, after }: ProfileChange): void {
    const [previous, state] = [before?.profile.state ?? "usable", after?.profile.state ?? "usable"];
    if (after === null || previous === state) return;
    const { log, bus, clock } = this.#deps;
    const { id: profileId, provider } = after.profile;
    const reason = after.oauth?.trouble?.reason;
    const told = { profileId, ...(reason === undefined ? {} : { reason }) };
    if (state === "usable") log.info("a login works again", told);
    else log.warn(state === "expired" ? "a login has ended: log in again" : "a login cannot be refreshed", told);
    bus.emit({ type: "profile.state", ...told, provider, state, previous, atMs: clock.nowMs() });
  }
}

/** What has run out and is refreshed by nobody has ended, whether somebody has noted it or not. */
function withState({ profile, oauth }: StoredProfile, nowMs: number): AuthProfile {
  const isOver = profile.expiresMs !== null && profile.expiresMs <= nowMs && oauth?.refreshable !== true;
  return isOver ? { ...profile, state: "expired" } : profile;
}

function bearer(token: string, headers: Readonly<Record<string, string>> | undefined): Credential {
  return { kind: "bearer", token, ...(headers === undefined ? {} : { headers }) };
}

function refusal(profileId: string, why: string): AppError {
  return new AppError("MODEL_002", `The login ${profileId} cannot be used: ${why}.`, {
    details: { reason: "auth", profileId },
  });
}
