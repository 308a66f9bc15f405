/** How long an MP3 plays, by walking every frame to its end. Reads bytes of a stranger: a size is believed once it fits. */

/** Milliseconds; null where it is no MP3, holds no sound, or is cut off within a frame. */
export function mp3DurationMs(bytes: Uint8Array): number | null {
  let at = afterId3v2(bytes);
  let seconds = 0;
  let isFirst = true;
  while (at < bytes.length) {
    // ID3v1: 128 bytes behind the last frame.
    if (bytes.length - at === 128 && textAt(bytes, at, 3) === "TAG") break;
    const frame = frameAt(bytes, at);
    if (frame === null || at + frame.sizeBytes > bytes.length) return null;
    if (!(isFirst && isIndex(bytes, at, frame.sizeBytes))) seconds += frame.samples / frame.rate;
    isFirst = false;
    at += frame.sizeBytes;
  }
  return seconds === 0 ? null : Math.round(seconds * 1_000);
}

interface Frame {
  readonly sizeBytes: number;
  readonly samples: number;
  readonly rate: number;
}

/** kbit/s of Layer III by the header's index; 0 (free) and 15 are not taken. */
const bitrates1 = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const bitrates2 = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
const rates1 = [44_100, 48_000, 32_000];

function frameAt(bytes: Uint8Array, at: number): Frame | null {
  const [first = 0, second = 0, third = 0] = bytes.subarray(at, at + 4);
  if (first !== 0xff || (second & 0xe0) !== 0xe0) return null;
  const version = (second >> 3) & 3;
  const isLayer3 = ((second >> 1) & 3) === 1;
  const base = rates1[(third >> 2) & 3];
  // 3: MPEG-1; 2: MPEG-2, half its rates; 0: MPEG-2.5, a quarter of them.
  const isFull = version === 3;
  const kbits = (isFull ? bitrates1 : bitrates2)[third >> 4] ?? 0;
  if (version === 1 || !isLayer3 || base === undefined || kbits === 0) return null;
  const rate = base / (isFull ? 1 : version === 2 ? 2 : 4);
  const samples = isFull ? 1_152 : 576;
  const padding = (third >> 1) & 1;
  return { sizeBytes: Math.floor(((samples / 8) * kbits * 1_000) / rate) + padding, samples, rate };
}

/** The first frame of many encoders holds no sound but an index of the rest. */
function isIndex(bytes: Uint8Array, at: number, sizeBytes: number): boolean {
  const start = textAt(bytes, at, Math.min(sizeBytes, 64));
  return start.includes("Xing") || start.includes("Info");
}

function afterId3v2(bytes: Uint8Array): number {
  if (textAt(bytes, 0, 3) !== "ID3" || bytes.length < 10) return 0;
  const size = bytes.subarray(6, 10).reduce((sum, byte) => (sum << 7) | (byte & 0x7f), 0);
  return 10 + size;
}

function textAt(bytes: Uint8Array, at: number, length: number): string {
  return Buffer.from(bytes.subarray(at, at + length)).toString("latin1");
}
