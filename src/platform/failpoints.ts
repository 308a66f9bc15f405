/**
 * Named places at which a crash is worth trying: around every commit and every word that leaves the house. In a house
 * that runs for people nothing happens there; a drill makes the process die, stop or stumble at one of them.
 */

export const failpointNames = [
  /** An event was parsed; nothing of it is stored. */
  "received",
  /** Message and verdict are durable; the platform has heard nothing. */
  "inbox-committed",
  /** How far a platform's events were read is about to be stored, everything up to there is durable. */
  "before-cursor",
  "cursor-committed",
  /** A worker has the lease; nothing was asked of a model. */
  "turn-begun",
  /** The model's answer is whole and stored nowhere. */
  "model-answered",
  /** A step that asked for tools is durable; no tool has run. */
  "step-committed",
  "tool-running",
  /** A tool has done its work; its result is stored nowhere. */
  "tool-finished",
  /** A block of an answer that is still being written is durable in the outbox. */
  "block-committed",
  /** A growing reply was shown or edited; the platform's id is stored nowhere. */
  "draft-sent",
  /** The result is complete; transcript, outbox and bill are about to be one commit. */
  "before-result",
  "result-committed",
  /** The part's row says `sending`; no byte has left. */
  "before-send",
  /** The platform has confirmed a piece; that is stored nowhere. */
  "platform-accepted",
  "before-settle",
  "settled",
  /** A part that was in doubt has been decided about, not yet written. */
  "doubt-decided",
  /** What the last run left was picked up; nobody new is let in. */
  "recovered",
  /** A new configuration is about to be in force. */
  "config-swap",
  /** The gateway was asked to stop and has stopped taking messages in. */
  "intake-stopped",
] as const;
export type FailpointName = (typeof failpointNames)[number];

export interface Failpoints {
  /** Resolves at once, or throws, or never resolves because there is nobody left to go on. */
  reach(name: FailpointName): Promise<void>;
}

/** What everybody gets who is not in a drill. */
export const noFailpoints: Failpoints = Object.freeze({ reach: () => Promise.resolve() });
