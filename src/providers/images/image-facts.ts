/**
 * What an image's header says of it, without decoding a pixel: kind, size, and whether it moves. Knows the kinds that
 * providers take. Pure; a header that makes no sense is null, never an error.
 */

export interface ImageFacts {
  readonly mimeType: "image/png" | "image/jpeg" | "image/webp" | "image/gif";
  readonly width: number;
  readonly height: number;
  /** More than one frame, as far as the given bytes tell. */
  readonly isAnimated: boolean;
}

export function imageFacts(bytes: Uint8Array): ImageFacts | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const facts = png(view) ?? gif(view) ?? webp(view) ?? jpeg(view);
  return facts !== null && facts.width > 0 && facts.height > 0 ? facts : null;
}

/** Vector graphics: text with a picture's type. No provider takes them, and drawing a stranger's is a risk of its own. */
export function isSvg(bytes: Uint8Array): boolean {
  return /^\s*(<\?xml[^>]*>|<!--[\s\S]*?-->|<!doctype[^>]*>|\s)*<svg[\s>]/i.test(ascii(bytes.subarray(0, 4_096)));
}

function png(view: DataView): ImageFacts | null {
  if (view.byteLength < 33 || view.getUint32(0) !== 0x89504e47 || tag(view, 12) !== "IHDR") return null;
  let isAnimated = false;
  for (let at = 8; at + 8 <= view.byteLength; at += 12 + view.getUint32(at)) {
    const chunk = tag(view, at + 4);
    if (chunk === "acTL") isAnimated = true;
    if (chunk === "IDAT" || isAnimated) break;
  }
  return { mimeType: "image/png", width: view.getUint32(16), height: view.getUint32(20), isAnimated };
}

function gif(view: DataView): ImageFacts | null {
  if (view.byteLength < 13 || !/^GIF8[79]$/.test(tag(view, 0) + String.fromCharCode(view.getUint8(4)))) return null;
  return {
    mimeType: "image/gif",
    width: view.getUint16(6, true),
    height: view.getUint16(8, true),
    isAnimated: gifFrames(view) > 1,
  };
}

/** Counts to two: each frame has a descriptor, its data comes in blocks. */
function gifFrames(view: DataView): number {
  let frames = 0;
  let at = 13 + colours(view.getUint8(10));
  while (at + 1 < view.byteLength && frames < 2) {
    const block = view.getUint8(at);
    if (block === 0x2c) {
      if (at + 10 >= view.byteLength) return frames + 1;
      frames += 1;
      at = skipBlocks(view, at + 11 + colours(view.getUint8(at + 9)));
    } else if (block === 0x21) at = skipBlocks(view, at + 2);
    else return frames;
  }
  return frames;
}

function colours(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1);
}

function skipBlocks(view: DataView, start: number): number {
  let at = start;
  while (at < view.byteLength && view.getUint8(at) !== 0) at += 1 + view.getUint8(at);
  return at + 1;
}

function webp(view: DataView): ImageFacts | null {
  if (view.byteLength < 30 || tag(view, 0) !== "RIFF" || tag(view, 8) !== "WEBP") return null;
  const kind = tag(view, 12);
  const of = (width: number, height: number, isAnimated = false): ImageFacts => ({
    mimeType: "image/webp",
    width,
    height,
    isAnimated,
  });
  if (kind === "VP8X") return of(1 + uint24(view, 24), 1 + uint24(view, 27), (view.getUint8(20) & 2) !== 0);
  if (kind === "VP8 ") return of(view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff);
  if (kind !== "VP8L") return null;
  const bits = view.getUint32(21, true);
  return of((bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1);
}

/** The size stands in the frame's own segment, behind whatever a camera wrote. */
function jpeg(view: DataView): ImageFacts | null {
  if (view.byteLength < 4 || view.getUint16(0) !== 0xffd8) return null;
  let at = 2;
  while (at + 9 < view.byteLength) {
    if (view.getUint8(at) !== 0xff) return null;
    const marker = view.getUint8(at + 1);
    // Padding, and markers without a body.
    if (marker === 0xff || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
      at += marker === 0xff ? 1 : 2;
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) {
      return {
        mimeType: "image/jpeg",
        width: view.getUint16(at + 7),
        height: view.getUint16(at + 5),
        isAnimated: false,
      };
    }
    if (marker === 0xd9 || marker === 0xda) return null;
    at += 2 + Math.max(2, view.getUint16(at + 2));
  }
  return null;
}

function uint24(view: DataView, at: number): number {
  return view.getUint8(at) | (view.getUint8(at + 1) << 8) | (view.getUint8(at + 2) << 16);
}

function tag(view: DataView, at: number): string {
  return at + 4 > view.byteLength
    ? ""
    : String.fromCharCode(view.getUint8(at), view.getUint8(at + 1), view.getUint8(at + 2), view.getUint8(at + 3));
}

function ascii(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1").replace(/^ï»¿/, "");
}
