/** People who write from several platforms: what is known of which senders are one person. */
import type { Address } from "./message.ts";

/** A sender on one account of one platform. */
export type Identity = Pick<Address, "channel" | "accountId"> & { readonly senderId: string };

export type LinkOutcome =
  /** The other side is known now: the same code once more, with `confirmed`, links the two. So is a yes that comes before. */
  | { readonly outcome: "confirm"; readonly other: Identity }
  | { readonly outcome: "linked"; readonly other: Identity; readonly person: string }
  /** Wrong, used up or too old: which of these is not told. */
  | { readonly outcome: "unknown-code" }
  | { readonly outcome: "same-identity" }
  | { readonly outcome: "too-many-attempts" };

export interface IdentityLinks {
  /** Reads what was linked before; until then nobody is. */
  load(): Promise<void>;
  /** One word for the person; null where nobody linked this sender with another. */
  personOf(identity: Identity): string | null;
  /** A code for the other side, once, for `limits.linkCodeTtlMs`. A new one voids the one before. */
  offer(identity: Identity): Promise<string>;
  accept(identity: Identity, code: string, confirmed: boolean): Promise<LinkOutcome>;
  /** False where it was not linked by proof. */
  unlink(identity: Identity): Promise<boolean>;
}
