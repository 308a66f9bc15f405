/**
 * Makes a picture small enough, in threads of its own. The library that can is an optional dependency and is loaded by
 * the first picture that needs it; where it is missing, that is said and nothing else happens. Pictures come from
 * strangers: four kinds are read and no other, none of more pixels than the limit, and one at a time.
 */
import type sharpLibrary from "sharp";
import { limits } from "../../domain/limits.ts";
import type { ImageFacts } from "./image-facts.ts";

export interface ImageTarget {
  readonly bytes: number;
  readonly edgePixels: number;
  readonly mimeTypes: readonly ImageFacts["mimeType"][];
}

export type ResizeOutcome =
  | { readonly ok: true; readonly bytes: Uint8Array; readonly mimeType: "image/png" | "image/jpeg" }
  /**
   * `missing`: the library is not installed. `too-many-pixels`: more than are decoded. `unreadable`: broken, cut off, or
   * of a kind that is not read. `too-large`: it does not get small enough.
   */
  | { readonly ok: false; readonly why: "missing" | "too-many-pixels" | "unreadable" | "too-large" };

/** Never throws. Moving pictures become their first frame; what a camera wrote into the file is left out. */
export type ResizeImage = (bytes: Uint8Array, target: ImageTarget) => Promise<ResizeOutcome>;

type Sharp = typeof sharpLibrary;

/** `load` fails where the library is not installed. */
export function createImageResizer(load: () => Promise<Sharp> = loadSharp): ResizeImage {
  let loading: Promise<Sharp | null> | undefined;
  let queue: Promise<unknown> = Promise.resolve();
  return (bytes, target) => {
    loading ??= load().then(prepared, () => null);
    const sharp = loading;
    const turn = queue.then(async (): Promise<ResizeOutcome> => {
      const library = await sharp;
      return library === null ? { ok: false, why: "missing" } : resized(library, bytes, target);
    });
    queue = turn;
    return turn;
  };
}

async function loadSharp(): Promise<Sharp> {
  return (await import("sharp")).default;
}

/** Readers of a hundred kinds come with the library; each is a way in for a file that is made to break it. */
function prepared(sharp: Sharp): Sharp {
  sharp.cache(false);
  sharp.concurrency(1);
  sharp.block({ operation: ["VipsForeignLoad"] });
  sharp.unblock({
    operation: [
      "VipsForeignLoadPngBuffer",
      "VipsForeignLoadJpegBuffer",
      "VipsForeignLoadWebpBuffer",
      "VipsForeignLoadNsgifBuffer",
    ],
  });
  return sharp;
}

/** Smaller each time until it fits: first less quality, then fewer pixels. */
const attempts = [
  { edge: 1, quality: 85 },
  { edge: 1, quality: 70 },
  { edge: 0.75, quality: 70 },
  { edge: 0.5, quality: 65 },
  { edge: 0.25, quality: 60 },
  { edge: 0.1, quality: 50 },
] as const;

async function resized(sharp: Sharp, bytes: Uint8Array, target: ImageTarget): Promise<ResizeOutcome> {
  try {
    const open = (): ReturnType<Sharp> =>
      sharp(bytes, { limitInputPixels: limits.imagePixels, failOn: "truncated", sequentialRead: true, pages: 1 });
    const { hasAlpha } = await open().metadata();
    for (const { edge, quality } of attempts) {
      const side = Math.max(1, Math.floor(target.edgePixels * edge));
      const small = open()
        .autoOrient()
        .resize({ width: side, height: side, fit: "inside", withoutEnlargement: true })
        .timeout({ seconds: limits.imageResizeTimeoutMs / 1_000 });
      const isPng = hasAlpha && target.mimeTypes.includes("image/png");
      const out = await (
        isPng
          ? small.png({ palette: quality < 80, quality })
          : small.flatten({ background: "white" }).jpeg({ quality, mozjpeg: false })
      ).toBuffer();
      if (out.length <= target.bytes) return { ok: true, bytes: out, mimeType: isPng ? "image/png" : "image/jpeg" };
    }
    return { ok: false, why: "too-large" };
  } catch (error) {
    // The library throws plain errors; this one names the limit that was asked for.
    const isBomb = error instanceof Error && /pixel limit/i.test(error.message);
    return { ok: false, why: isBomb ? "too-many-pixels" : "unreadable" };
  }
}
