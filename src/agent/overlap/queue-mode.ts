/**
 * What becomes of a message that comes while a turn of its session runs or waits for a person: the word of the session,
 * else of its channel, else of the house. Pure.
 */
import type { Config } from "../../config/schema/root.ts";

/**
 * `followup`: each has a turn of its own, one after the other. `steer`: taken into the running turn before its next model
 * call. `collect`: what waits is answered together in the turn that follows. `interrupt`: the running turn ends, and the
 * newest is answered.
 */
export type QueueMode = Config["messages"]["queue"]["mode"];

/** `said`: what the session was set to, where it was. */
export function queueModeOf(said: unknown, { messages }: Pick<Config, "messages">, channel: string): QueueMode {
  const { mode, byChannel } = messages.queue;
  const ofSession = queueModes.find((one) => one === said);
  // What channels are called is anybody's choice, "constructor" too.
  return ofSession ?? (Object.hasOwn(byChannel, channel) ? byChannel[channel] : undefined) ?? mode;
}

export const queueModes = ["collect", "followup", "interrupt", "steer"] as const satisfies readonly QueueMode[];
