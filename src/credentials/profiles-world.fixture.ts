/** Logins over one vault, with a clock that a test moves and a token endpoint. */
import { onTestFinished } from "vitest";
import type { AppEvent } from "../domain/events.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import { systemIds } from "../platform/ids.ts";
import { silentLog, type Log } from "../platform/log.ts";
import { createAuthProfiles, type AuthProfilesDeps, type ProfileDesk } from "./auth-profiles.ts";
import type { AwsChain } from "./aws/contract.ts";
import type { Vault } from "./contract.ts";
import { memoryVault, type MemoryVault } from "./memory-vault.fixture.ts";
import { createOAuthRefresher } from "./oauth/refresher.ts";
import { tokenEndpoint, type TokenEndpoint } from "./oauth/token-endpoint.fixture.ts";
import type { OAuthDocument, ProfileDocument } from "./profiles/profile-document.ts";

export interface ProfilesWorld {
  readonly clock: FakeClock;
  readonly vault: MemoryVault;
  readonly endpoint: TokenEndpoint;
  readonly events: readonly AppEvent[];
  /** What the log was told, by level. */
  readonly lines: readonly string[];
  readonly redacted: ReadonlySet<string>;
  /** Another gateway, or program, over the same vault. */
  desk(overrides?: Partial<AuthProfilesDeps> & { readonly vault?: Vault }): ProfileDesk;
  store(profileId: string, document: ProfileDocument, expiresMs?: number): Promise<void>;
  stored(profileId: string): Promise<OAuthDocument>;
}

export const noAws: AwsChain = {
  isPresent: () => false,
  identity: () => "",
  look: () => Promise.resolve(false),
  credential: () => Promise.reject(new Error("there is no AWS here")),
};

export function profilesWorld(options: Parameters<typeof tokenEndpoint>[1] = {}): ProfilesWorld {
  const clock = new FakeClock();
  const redacted = new Set<string>();
  const vault = memoryVault(clock);
  const endpoint = tokenEndpoint(clock, options);
  const events: AppEvent[] = [];
  const lines: string[] = [];
  const log = listeningLog(lines);
  const ids = systemIds();

  function desk(overrides: Partial<AuthProfilesDeps> = {}): ProfileDesk {
    const own = overrides.vault ?? vault;
    const client = {
      id: "openai",
      name: "OpenAI",
      authorizeUrl: null,
      tokenUrl: endpoint.url,
      deviceUrl: null,
      scopes: [],
      parameters: {},
      registration: "",
      clientId: "client",
      clientSecret: null,
      redirectUri: null,
      headers: {},
    };
    const redact = (secret: string): void => void redacted.add(secret);
    const made = createAuthProfiles({
      vault: own,
      logins: () => [],
      settings: () => ({ order: {} }),
      aws: noAws,
      refresher: createOAuthRefresher({
        vault: own,
        client: () => ({ client }),
        fetchFor: () => endpoint.fetch,
        clock,
        ids,
        log,
        redact,
      }),
      clock,
      ids,
      log,
      bus: { emit: (event) => void events.push(event) },
      redact,
      ...overrides,
    });
    onTestFinished(() => made.close());
    return made;
  }

  return {
    clock,
    vault,
    endpoint,
    events,
    lines,
    redacted,
    desk,
    store: (profileId, document, expiresMs) =>
      vault
        .scoped(`profile:${profileId}`)
        .write(document.kind, JSON.stringify(document), { expiresMs: expiresMs ?? null }),
    stored: async (profileId) =>
      JSON.parse((await vault.scoped(`profile:${profileId}`).read("oauth")) ?? "null") as OAuthDocument,
  };
}

/** A login that lives for so long yet, of the hour that it was given. */
export function oauthLogin(clock: FakeClock, lifeMs: number, more: Partial<OAuthDocument> = {}): OAuthDocument {
  return {
    kind: "oauth",
    issuer: "openai",
    accessToken: "access-0",
    refreshToken: "refresh-0",
    expiresMs: clock.nowMs() + lifeMs,
    changedMs: clock.nowMs() + Math.min(0, lifeMs - 3_600_000),
    mark: "00000000",
    trouble: null,
    ...more,
  };
}

function listeningLog(lines: string[]): Log {
  const at =
    (level: string) =>
    (message: string): void =>
      void lines.push(`${level} ${message}`);
  const log: Log = { ...silentLog(), info: at("info"), warn: at("warn"), error: at("error"), child: () => log };
  return log;
}
