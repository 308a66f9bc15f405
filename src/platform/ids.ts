/** Ids and randomness, as a value that tests can replace. The system's own come from the crypto generator alone. */

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
