/**
 * Who was last seen behind a nick on this connection. A nick is a seat that anybody may take; a direct reply goes only
 * to the one who asked, so it has to be known who sits there.
 */
import type { Clock } from "../../platform/clock.ts";
import type { IrcSource } from "./line.ts";

/** After this, what was seen is not relied on any more. */
export const peerFreshMs = 600_000;
const maxPeers = 2_000;

export class Peers {
  readonly #clock: Clock;
  readonly #seen = new Map<string, { readonly identity: string; readonly atMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `nick` folded. */
  saw(nick: string, identity: string): void {
    this.#seen.delete(nick);
    this.#seen.set(nick, { identity, atMs: this.#clock.monotonicMs() });
    if (this.#seen.size <= maxPeers) return;
    const [oldest] = this.#seen.keys();
    if (oldest !== undefined) this.#seen.delete(oldest);
  }

  /** The nick was given up or changed hands. */
  left(nick: string): void {
    this.#seen.delete(nick);
  }

  /** Who sits there, as far as it was seen lately; null where that is not known. */
  identity(nick: string): string | null {
    const peer = this.#seen.get(nick);
    return peer === undefined || this.#clock.monotonicMs() - peer.atMs > peerFreshMs ? null : peer.identity;
  }
}

/**
 * The typed id of a sender: the services account where the server vouches for one, else user and host. The latter is
 * as good as the network's hosts: people behind one gateway may share a host, and choose the user part themselves.
 */
export function senderIdentity(source: Pick<IrcSource, "user" | "host">, account: string | null): string | null {
  if (account !== null && account !== "" && account !== "*") return `account:${account.toLowerCase()}`;
  if (source.user === null || source.host === null) return null;
  return `host:${source.user}@${source.host}`.toLowerCase();
}
