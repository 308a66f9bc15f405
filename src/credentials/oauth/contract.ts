/** What the parts of OAuth promise each other: who refreshes a login, and who is asked. */
import type { OAuthDocument } from "../profiles/profile-document.ts";
import type { StoredProfile } from "../profiles/stored-profiles.ts";

export interface OAuthRefresher {
  /**
   * The document, refreshed where it is about to run out: the very same object where nothing had to be done. One
   * request over all callers and processes. Where refreshing failed and the old token lives, the old one. Throws
   * MODEL_002 where only a new login helps, MODEL_004 where it is tried again later.
   */
  fresh(profileId: string, document: OAuthDocument): Promise<OAuthDocument>;
  /** Refreshes what is due. Resolves with whether anything changed; never rejects. */
  refreshDue(profiles: readonly StoredProfile[]): Promise<boolean>;
  /** Milliseconds until the next one is due; null where none ever is. */
  nextDueInMs(profiles: readonly StoredProfile[]): number | null;
  /** Refreshes a token that lives by the clock and is refused all the same. Resolves with whether it changed. */
  refused(profileId: string, revision: string): Promise<boolean>;
  /** Ends what runs. */
  close(): Promise<void>;
}
