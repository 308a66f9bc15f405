/**
 * The most that one message of a platform may hold, in UTF-16 units, as its own documentation has it. For platforms that
 * have no channel yet; a channel's manifest says its own, and in its own unit.
 */

const limits: Readonly<Record<string, number>> = Object.freeze({
  whatsapp: 4_096,
  telegram: 4_096,
  discord: 2_000,
  slack: 4_000,
  signal: 2_000,
});

const otherwise = 2_000;

export function platformLimit(channel: string): number {
  return Object.hasOwn(limits, channel) ? (limits[channel] ?? otherwise) : otherwise;
}
