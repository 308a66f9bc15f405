/** How one account of a channel stands: what its supervisor knows and every client may be shown. Pure data. */
import type { ConnectionState } from "./events.ts";

export interface ChannelStatus {
  readonly channel: string;
  readonly accountId: string;
  /** The channel's name for people. */
  readonly label: string;
  readonly state: ConnectionState;
  /** Why it is not connected, or a remark while it is. */
  readonly reason: string | null;
  /** When the state began, milliseconds since the epoch. */
  readonly since: number;
  /** Milliseconds since the last successful round trip; null before the first. */
  readonly lastRoundTripAgeMs: number | null;
  readonly reconnects: number;
  readonly received: number;
  readonly sent: number;
  readonly errors: number;
}
