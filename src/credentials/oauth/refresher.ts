/**
 * Refreshes OAuth logins before they run out. One request over all callers and processes: the vault's entry is held
 * from reading the refresh token to keeping the next one, so that none is spent twice, and nothing is used that is not
 * on the disk. What failed is noted beside the tokens, for every process and the next start.
 */
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Ids } from "../../platform/ids.ts";
import type { Log } from "../../platform/log.ts";
import type { Vault } from "../contract.ts";
import {
  readDocument,
  scopeOf,
  secretsOf,
  type OAuthDocument,
  type OAuthTrouble,
} from "../profiles/profile-document.ts";
import { oauthRevision, type StoredProfile } from "../profiles/stored-profiles.ts";
import type { OAuthRefresher } from "./contract.ts";
import { aheadMs, jitterMs, leftMs, retryPauseMs, type Dated } from "./lifetime.ts";
import type { OAuthClientFound } from "./services.ts";
import { requestTokens, type TokenAnswer } from "./token-request.ts";

export interface OAuthRefresherDeps {
  readonly vault: Vault;
  readonly client: (issuer: string) => OAuthClientFound;
  /** The guarded HTTP, opened for this address alone. */
  readonly fetchFor: (tokenUrl: string) => typeof globalThis.fetch;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly redact: (secret: string) => void;
}

export function createOAuthRefresher(deps: OAuthRefresherDeps): OAuthRefresher {
  return new Refresher(deps);
}

const entryName = "oauth";
/** A token that is refused this soon after it came is not made better by another one. */
const freshTokenMs = 60_000;
/** How long a stop waits for an answer that is under way: what it holds would be lost. */
const closeWaitMs = 5_000;

class Refresher implements OAuthRefresher {
  readonly #deps: OAuthRefresherDeps;
  readonly #running = new Map<string, Promise<OAuthDocument | null>>();
  /** When a token that this process saw come runs out, by the clock that never jumps. */
  readonly #deadlines = new Map<string, { readonly revision: string; readonly monotonicMs: number }>();
  /** What came and could not be kept: the token before it is spent, and must not be spent again. */
  readonly #unkept = new Map<string, { readonly after: string; readonly document: OAuthDocument }>();

  /** Logins whose entry of the vault could not be held or written: not tried before, by the clock that never jumps. */
  readonly #stalled = new Map<string, { readonly attempts: number; readonly untilMonotonicMs: number }>();

  constructor(deps: OAuthRefresherDeps) {
    this.#deps = deps;
  }

  async fresh(profileId: string, document: OAuthDocument): Promise<OAuthDocument> {
    if (!this.#isShort(profileId, document)) return document;
    const mayTry = (found: OAuthDocument): boolean => this.#mayTry(profileId, found);
    const tried = mayTry(document)
      ? await this.#once(profileId, (found) => this.#isShort(profileId, found) && mayTry(found))
      : null;
    const newest = tried ?? document;
    if (this.#leftMs(profileId, newest) > 0) return newest;
    throw unusable(profileId, newest);
  }

  async refreshDue(profiles: readonly StoredProfile[]): Promise<boolean> {
    const due = profiles.filter(({ profile, oauth }) => this.#dueInMs(profile.id, oauth) === 0);
    const isDue = (profileId: string) => (found: OAuthDocument) =>
      this.#dueInMs(profileId, { ...found, refreshable: found.refreshToken !== null }) === 0;
    await Promise.all(due.map(({ profile: { id } }) => this.#once(id, isDue(id))));
    return due.length > 0;
  }

  nextDueInMs(profiles: readonly StoredProfile[]): number | null {
    const delays = profiles.flatMap(({ profile, oauth }) => this.#dueInMs(profile.id, oauth) ?? []);
    return delays.length === 0 ? null : Math.min(...delays);
  }

  async refused(profileId: string, revision: string): Promise<boolean> {
    const { clock } = this.#deps;
    const isMeant = (found: OAuthDocument): boolean =>
      oauthRevision(found) === revision &&
      found.trouble?.state !== "expired" &&
      Math.abs(clock.nowMs() - found.changedMs) >= freshTokenMs &&
      this.#pauseMs(profileId, found.trouble) === 0;
    // Where there is nothing to refresh with, its end is noted.
    return (await this.#once(profileId, isMeant)) !== null;
  }

  async close(): Promise<void> {
    if (this.#running.size === 0) return;
    const over = new AbortController();
    const all = Promise.allSettled(this.#running.values()).finally(() => over.abort());
    await Promise.race([all, this.#deps.clock.sleep(closeWaitMs, over.signal).catch(() => "all is done")]);
  }

  // -------------------------------------------------------------- when

  #leftMs(profileId: string, dated: Dated): number {
    const seen = this.#deadlines.get(profileId);
    const seenLeftMs =
      seen?.revision === oauthRevision(dated) ? seen.monotonicMs - this.#deps.clock.monotonicMs() : null;
    return leftMs(dated, this.#deps.clock.nowMs(), seenLeftMs);
  }

  #isShort(profileId: string, dated: Dated): boolean {
    return this.#leftMs(profileId, dated) < aheadMs(dated) || this.#leftMs(profileId, dated) <= 0;
  }

  #mayTry(profileId: string, { refreshToken, trouble }: OAuthDocument): boolean {
    return refreshToken !== null && trouble?.state !== "expired" && this.#pauseMs(profileId, trouble) === 0;
  }

  /** A wall clock that was set back does not make a pause longer than any may be. */
  #pauseMs(profileId: string, trouble: OAuthTrouble | null): number {
    const { clock } = this.#deps;
    const stalledMs = (this.#stalled.get(profileId)?.untilMonotonicMs ?? 0) - clock.monotonicMs();
    const notedMs = trouble?.nextMs == null ? 0 : Math.min(limits.oauthRetryCapMs, trouble.nextMs - clock.nowMs());
    return Math.max(0, stalledMs, notedMs);
  }

  /** Null where it is never due. */
  #dueInMs(profileId: string, oauth: StoredProfile["oauth"]): number | null {
    if (oauth === null || !oauth.refreshable || oauth.expiresMs === null || oauth.trouble?.state === "expired")
      return null;
    const untilMs = this.#leftMs(profileId, oauth) - aheadMs(oauth) - jitterMs(oauth);
    // Whole milliseconds: a timer for a part of one would come before its time, again and again.
    return Math.ceil(Math.max(0, untilMs, this.#pauseMs(profileId, oauth.trouble)));
  }

  // -------------------------------------------------------------- once

  /**
   * Refreshes where the newest document wants it. Resolves with the newest one that is on the disk, null where there
   * is none or the vault cannot be asked. Never rejects.
   */
  #once(profileId: string, wants: (found: OAuthDocument) => boolean): Promise<OAuthDocument | null> {
    const running = this.#running.get(profileId);
    if (running !== undefined) return running;
    const mine = this.#exchange(profileId, wants).finally(() => this.#running.delete(profileId));
    this.#running.set(profileId, mine);
    return mine;
  }

  async #exchange(profileId: string, wants: (found: OAuthDocument) => boolean): Promise<OAuthDocument | null> {
    const { vault, log, clock } = this.#deps;
    let newest: OAuthDocument | null = null;
    try {
      await vault.scoped(scopeOf(profileId)).update(entryName, async (current) => {
        const found = current === null ? null : readDocument(current);
        if (found?.kind !== "oauth") return null;
        newest = found;
        // Somebody else may have been here while this process waited.
        if (!wants(found)) return null;
        newest = await this.#next(profileId, found);
        return { value: JSON.stringify(newest) };
      });
      this.#unkept.delete(profileId);
      this.#stalled.delete(profileId);
    } catch (error) {
      const attempts = (this.#stalled.get(profileId)?.attempts ?? 0) + 1;
      const againInMs = retryPauseMs(attempts);
      this.#stalled.set(profileId, { attempts, untilMonotonicMs: clock.monotonicMs() + againInMs });
      log.warn("a login could not be refreshed or kept", { profileId, againInMs, error });
      return null;
    }
    return newest;
  }

  async #next(profileId: string, found: OAuthDocument): Promise<OAuthDocument> {
    const kept = this.#unkept.get(profileId);
    if (kept?.after === oauthRevision(found)) return kept.document;
    const next = await this.#ask(profileId, found);
    for (const secret of secretsOf(next)) this.#deps.redact(secret);
    if (oauthRevision(next) !== oauthRevision(found)) {
      this.#unkept.set(profileId, { after: oauthRevision(found), document: next });
    }
    return next;
  }

  async #ask(profileId: string, found: OAuthDocument): Promise<OAuthDocument> {
    const { clock, ids, fetchFor, client: clientOf } = this.#deps;
    if (found.refreshToken === null) return this.#ended(found, "The provider refused it, and it cannot be refreshed.");
    const { client, ...rest } = clientOf(found.issuer);
    if (client === null)
      return this.#failed(profileId, found, "missing" in rest ? rest.missing : "", limits.oauthRetryCapMs);
    const { tokenUrl, clientId, clientSecret } = client;
    if (tokenUrl === null)
      return this.#failed(profileId, found, `auth.oauth.${found.issuer}.tokenUrl is not set.`, limits.oauthRetryCapMs);
    const form = {
      grant_type: "refresh_token",
      refresh_token: found.refreshToken,
      client_id: clientId,
      ...(clientSecret === null ? {} : { client_secret: clientSecret }),
    };
    const startedMs = clock.monotonicMs();
    const answer = await requestTokens({ tokenUrl, form }, { fetch: fetchFor(tokenUrl), clock });
    if (answer.kind !== "tokens") return this.#without(profileId, found, answer);
    const { accessToken, refreshToken, expiresMs } = answer.tokens;
    const next: OAuthDocument = {
      ...found,
      accessToken,
      refreshToken: refreshToken ?? found.refreshToken,
      expiresMs,
      changedMs: clock.nowMs(),
      mark: ids.hex(4),
      trouble: null,
    };
    if (expiresMs !== null) {
      const lifeMs = expiresMs - clock.nowMs() + (clock.monotonicMs() - startedMs);
      this.#deadlines.set(profileId, { revision: oauthRevision(next), monotonicMs: startedMs + lifeMs });
    }
    return next;
  }

  #without(profileId: string, found: OAuthDocument, answer: Exclude<TokenAnswer, { kind: "tokens" }>): OAuthDocument {
    if (answer.kind === "no answer") {
      const pauseMs = Math.max(answer.retryAfterMs ?? 0, retryPauseMs((found.trouble?.attempts ?? 0) + 1));
      return this.#failed(profileId, found, `The token endpoint could not be asked: ${answer.description}.`, pauseMs);
    }
    const said = answer.description === "" ? answer.error : `${answer.error}: ${answer.description}`;
    if (deadGrants.includes(answer.error)) {
      return this.#ended(
        found,
        `The refresh token is not taken any more (${said}): it was revoked, it is too old, or its successor was lost.`,
      );
    }
    // The program's registration or a setting is wrong: no new login mends that, and no quick retry.
    return this.#failed(profileId, found, `The token endpoint refused the request (${said}).`, limits.oauthRetryCapMs);
  }

  #failed(profileId: string, found: OAuthDocument, reason: string, pauseMs: number): OAuthDocument {
    const atMs = this.#deps.clock.nowMs();
    const attempts = (found.trouble?.attempts ?? 0) + 1;
    const againInMs = Math.min(pauseMs, limits.oauthRetryCapMs);
    this.#deps.log.info("refreshing a login failed", { profileId, attempts, reason, againInMs });
    return { ...found, trouble: { state: "refresh-failed", reason, attempts, atMs, nextMs: atMs + againInMs } };
  }

  /** A dead refresh token is not kept: it can only be spent by mistake. */
  #ended(found: OAuthDocument, reason: string): OAuthDocument {
    const attempts = (found.trouble?.attempts ?? 0) + 1;
    const trouble = { state: "expired" as const, reason, attempts, atMs: this.#deps.clock.nowMs(), nextMs: null };
    return { ...found, refreshToken: null, trouble };
  }
}

/** What says that this grant is over: the standard's word, and those that providers use instead. */
const deadGrants: readonly string[] = [
  "invalid_grant",
  "bad_refresh_token",
  "refresh_token_expired",
  "refresh_token_reused",
  "refresh_token_invalidated",
];

function unusable(profileId: string, { refreshToken, trouble }: OAuthDocument): AppError {
  const reason = trouble?.reason ?? "";
  if (refreshToken === null || trouble?.state === "expired") {
    return new AppError("MODEL_002", `The login ${profileId} has ended. ${reason} ${loginAdvice(profileId)}`, {
      details: { reason: "auth", profileId },
    });
  }
  // Not the login's fault as far as anybody knows: it is tried again, and a fallback is right meanwhile.
  return new AppError(
    "MODEL_004",
    `The login ${profileId} has run out and cannot be refreshed at the moment. ${reason}`,
    {
      details: { reason: "network", profileId },
      ...(trouble?.nextMs == null ? {} : { retryAfterMs: Math.max(0, trouble.nextMs - trouble.atMs) }),
    },
  );
}

function loginAdvice(profileId: string): string {
  return `Log in again: openclaw models auth login ${profileId.replace(":", " --name ")}`;
}
