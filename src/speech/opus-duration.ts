/** How long Opus in Ogg plays (RFC 3533, RFC 7845), by walking every page to the one that says it is the last. */

const headerBytes = 27;
/** Opus counts at this rate whatever it was recorded at. */
const samplesPerMs = 48;

/** Milliseconds; null where it is no Opus in Ogg, holds no sound, or is cut off. */
export function opusDurationMs(bytes: Uint8Array): number | null {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const first = pageAt(view, 0);
  if (first === null || view.toString("latin1", first.bodyAt, first.bodyAt + 8) !== "OpusHead") return null;
  if (first.end - first.bodyAt < 19) return null;
  const preSkip = view.readUInt16LE(first.bodyAt + 10);
  let last = first;
  let granule = 0n;
  while (last.end < view.length) {
    const page = pageAt(view, last.end);
    if (page === null) return null;
    // All ones: no packet ends on this page.
    if (page.granule !== -1n) granule = page.granule;
    last = page;
  }
  const samples = Number(granule) - preSkip;
  return !last.isLast || samples <= 0 ? null : Math.round(samples / samplesPerMs);
}

interface Page {
  readonly granule: bigint;
  readonly isLast: boolean;
  readonly bodyAt: number;
  readonly end: number;
}

function pageAt(view: Buffer, at: number): Page | null {
  if (at + headerBytes > view.length || view.toString("latin1", at, at + 4) !== "OggS" || view[at + 4] !== 0)
    return null;
  const segments = view[at + 26] as number;
  const bodyAt = at + headerBytes + segments;
  if (bodyAt > view.length) return null;
  const bodyBytes = view.subarray(at + headerBytes, bodyAt).reduce((sum, size) => sum + size, 0);
  const end = bodyAt + bodyBytes;
  if (end > view.length) return null;
  return { granule: view.readBigInt64LE(at + 6), isLast: ((view[at + 5] as number) & 4) !== 0, bodyAt, end };
}
