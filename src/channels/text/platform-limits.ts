/** The most that one message of a platform may hold, for whatever has to know it before a channel is there to say so. */

/** In UTF-16 units, as the platforms' own documentation has it. */
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
