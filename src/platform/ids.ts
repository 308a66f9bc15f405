/** Ids and randomness, as a value that tests can replace. The system's own come from the crypto generator alone. */
import { randomBytes } from "node:crypto";

export interface Ids {
  /** UUIDv7: unique, sorts by time. */
  uuid(): string;
  /** `bytes` random bytes as lower-case hex. */
  hex(bytes: number): string;
  /** `bytes` random bytes as base64url: for tokens (32 or more). */
  token(bytes: number): string;
  /** Uniform in [0, 1): for jitter. */
  random(): number;
}

/** Ids of one object are strictly increasing, also within a millisecond and when the wall clock is set back. */
export function systemIds(nowMs: () => number = Date.now): Ids {
  let lastMs = 0;
  let sequence = 0;
  let pool = Buffer.alloc(0);
  /** The generator is asked for many at once: a call of it costs more than what it gives. */
  const bytesOf = (count: number): Buffer => {
    if (pool.length < count) pool = randomBytes(poolBytes);
    const taken = pool.subarray(0, count);
    pool = pool.subarray(count);
    return taken;
  };
  return {
    uuid() {
      const atMs = nowMs();
      const random = bytesOf(10);
      if (atMs > lastMs) {
        lastMs = atMs;
        // Starts in the lower half of its 12 bits, which leaves room for 2,048 more in the same millisecond.
        sequence = random.readUInt16BE(0) & 0x7ff;
      } else if (sequence < 0xfff) {
        sequence += 1;
      } else {
        lastMs += 1;
        sequence = 0;
      }
      return formatUuidV7(lastMs, sequence, random.subarray(2));
    },
    hex: (bytes) => randomBytes(bytes).toString("hex"),
    token: (bytes) => randomBytes(bytes).toString("base64url"),
    random: () => unitInterval(randomBytes(8)),
  };
}

/** Of ids alone: what is a secret comes fresh from the generator. */
const poolBytes = 4_096;

/** RFC 9562 layout: 48 bits of time, version, 12 bits of order within the millisecond, variant, 62 random bits. */
export function formatUuidV7(timeMs: number, sequence: number, random: Uint8Array): string {
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(timeMs, 0, 6);
  bytes.writeUInt16BE(0x7000 | sequence, 6);
  bytes.set(random.subarray(0, 8), 8);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** The 53 bits that a double can hold, of 8 random bytes. */
export function unitInterval(random: Buffer): number {
  return Number(random.readBigUInt64BE(0) >> 11n) / 2 ** 53;
}
