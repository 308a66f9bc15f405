/**
 * The stored logins as they are now: a copy of what the vault's list tells, and of OAuth logins when they end and how
 * they are, which stands inside them. Looks again when it is told to; tells what changed.
 */
import type { AuthProfile, Vault } from "../contract.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Log } from "../../platform/log.ts";
import {
  parseProfileId,
  readDocument,
  scopeOf,
  secretsOf,
  storedEntries,
  type OAuthDocument,
  type StoredEntry,
} from "./profile-document.ts";

export interface StoredProfile {
  /** `state` as the document says; an entry that has run out is found by `expiresMs`. */
  readonly profile: AuthProfile;
  /** Of an OAuth login that could be opened; its tokens are not kept. */
  readonly oauth: OAuthFacts | null;
  readonly updatedMs: number;
  readonly readMs: number;
}

export interface OAuthFacts extends Pick<OAuthDocument, "issuer" | "expiresMs" | "changedMs" | "mark" | "trouble"> {
  readonly refreshable: boolean;
}

export interface StoredProfiles {
  /** In the order in which they were made. */
  current(): readonly StoredProfile[];
  /** Resolves with those that came, went or changed. Never rejects: what cannot be read now stays as it was. */
  look(): Promise<readonly ProfileChange[]>;
}

export interface ProfileChange {
  readonly before: StoredProfile | null;
  readonly after: StoredProfile | null;
}

export interface StoredProfilesDeps {
  readonly vault: Vault;
  readonly clock: Clock;
  readonly log: Log;
  readonly redact: (secret: string) => void;
}

export function createStoredProfiles(deps: StoredProfilesDeps): StoredProfiles {
  let known: ReadonlyMap<string, StoredProfile> = new Map();
  let running: Promise<unknown> = Promise.resolve();
  let isQuiet = false;

  async function read(): Promise<readonly ProfileChange[]> {
    try {
      const before = known;
      known = await readProfiles(before, deps);
      isQuiet = false;
      return differences(before, known);
    } catch (error) {
      if (!isQuiet) {
        deps.log.warn("The stored logins cannot be listed; what was known of them stays in force.", { error });
      }
      isQuiet = true;
      return [];
    }
  }

  return {
    current: () => [...known.values()],
    look() {
      // One after the other: whoever asks after a change must not be given a look that began before it.
      const next = running.then(read);
      running = next;
      return next;
    },
  };
}

async function readProfiles(
  known: ReadonlyMap<string, StoredProfile>,
  deps: StoredProfilesDeps,
): Promise<ReadonlyMap<string, StoredProfile>> {
  const next = new Map<string, StoredProfile>();
  for (const entry of storedEntries(await deps.vault.list())) {
    const before = known.get(entry.profileId);
    // What was written in the very millisecond in which it was read may have been written once more in it.
    const isSettled = before !== undefined && entry.info.updatedMs < before.readMs;
    const isSame = isSettled && before.updatedMs === entry.info.updatedMs && before.profile.kind === entry.kind;
    // One whose document could not be opened is tried again: the key may have come.
    const isKnown = isSame && (entry.kind !== "oauth" || before.oauth !== null);
    next.set(entry.profileId, isKnown ? before : await opened(entry, deps));
  }
  return next;
}

function differences(
  before: ReadonlyMap<string, StoredProfile>,
  after: ReadonlyMap<string, StoredProfile>,
): readonly ProfileChange[] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((id) => ({ before: before.get(id) ?? null, after: after.get(id) ?? null }))
    .filter((change) => factsOf(change.before) !== factsOf(change.after));
}

function factsOf(stored: StoredProfile | null): string {
  return stored === null ? "" : JSON.stringify([stored.profile, stored.oauth]);
}

async function opened({ profileId, kind, info }: StoredEntry, deps: StoredProfilesDeps): Promise<StoredProfile> {
  const profile: AuthProfile = {
    id: profileId,
    provider: parseProfileId(profileId)?.provider ?? "",
    kind,
    source: "vault",
    expiresMs: info.expiresMs,
    revision: String(info.updatedMs),
    state: "usable",
  };
  const times = { updatedMs: info.updatedMs, readMs: deps.clock.nowMs() };
  const closed = { profile, oauth: null, ...times };
  if (kind !== "oauth") return closed;
  // Without its key the vault still tells the names; how a login is stands inside.
  const text = await deps.vault
    .scoped(scopeOf(profileId))
    .read(kind)
    .catch(() => null);
  const document = text === null ? null : readDocument(text);
  if (document?.kind !== "oauth") return closed;
  for (const secret of secretsOf(document)) deps.redact(secret);
  const { issuer, expiresMs, changedMs, mark, trouble, refreshToken } = document;
  return {
    profile: { ...profile, expiresMs, revision: oauthRevision(document), state: trouble?.state ?? "usable" },
    oauth: { issuer, expiresMs, changedMs, mark, trouble, refreshable: refreshToken !== null },
    ...times,
  };
}

/** Changes with the tokens alone, not with what is noted beside them. */
export function oauthRevision({ changedMs, mark }: Pick<OAuthDocument, "changedMs" | "mark">): string {
  return `${changedMs}-${mark}`;
}
