import { spawnSync } from "node:child_process";
import { deflateSync } from "node:zlib";
import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import type { ModelMessage } from "../../domain/conversation.ts";
import { modelApis } from "../contract.ts";
import { imageFacts, isSvg } from "./image-facts.ts";
import { imageLimitsOf, stricterImageLimits, type ImageLimits } from "./image-limits.ts";
import { createImageResizer, type ResizeImage } from "./image-resizer.ts";
import { hasUnfitImages, shrinkImages } from "./shrink-images.ts";

const anthropic = imageLimitsOf({ api: "anthropic-messages", baseUrl: null });
const gemini = imageLimitsOf({ api: "google-generative-ai", baseUrl: null });
const resize = createImageResizer();

type Made = ReturnType<typeof sharp>;

function canvas(width: number, height: number, colour = "teal"): Made {
  return sharp({ create: { width, height, channels: 3, background: colour } });
}

/** Does not compress: every pixel is its own. */
function noise(width: number, height: number): Made {
  const pixels = Buffer.alloc(width * height * 3);
  let seed = 7;
  for (let at = 0; at < pixels.length; at += 1) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) | 0;
    pixels[at] = seed >>> 16;
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}

function shows(bytes: Uint8Array, mimeType = "image/png", fileName = "dot.png"): ModelMessage {
  const data = Buffer.from(bytes).toString("base64");
  return {
    role: "user",
    content: [
      { type: "text", text: "look" },
      { type: "file", attachment: { type: "image", mimeType, fileName, data } },
    ],
  };
}

function pictures(messages: readonly ModelMessage[]): { bytes: Buffer; mimeType: string | undefined }[] {
  return messages.flatMap((message) =>
    message.role === "user"
      ? message.content.flatMap((part) =>
          part.type === "file"
            ? [{ bytes: Buffer.from(part.attachment.data ?? "", "base64"), mimeType: part.attachment.mimeType }]
            : [],
        )
      : [],
  );
}

function texts(messages: readonly ModelMessage[]): string {
  return JSON.stringify(messages);
}

describe("pictures that are too large", () => {
  it("H22: one of 8000 pixels and more is made smaller, within what its provider takes", async () => {
    const large = await canvas(9_000, 500).png().toBuffer();
    const messages = [shows(large)];
    expect(hasUnfitImages(messages, anthropic)).toBe(true);
    const shrunk = await shrinkImages(messages, anthropic, resize);
    const [picture] = pictures(shrunk.messages);
    const facts = imageFacts(picture!.bytes);
    expect(Math.max(facts!.width, facts!.height)).toBe(8_000);
    expect(facts!.height).toBe(444);
    expect(facts!.mimeType).toBe(picture!.mimeType);
    expect(shrunk.changes).toEqual([
      expect.stringMatching(/^The picture "dot.png" \(9000×500 pixels, \d+ KiB\) was made smaller/),
    ]);
    expect(hasUnfitImages(shrunk.messages, anthropic)).toBe(false);
    // After a refusal all the same, as every service takes it.
    const harder = await shrinkImages(shrunk.messages, stricterImageLimits(anthropic), resize);
    expect(imageFacts(pictures(harder.messages)[0]!.bytes)!.width).toBe(1_568);
  });

  it("H22: one of too many bytes loses quality, then pixels, until it fits", async () => {
    const heavy = await noise(1_600, 1_600).png().toBuffer();
    expect(heavy.length).toBeGreaterThan(anthropic.bytes);
    const shrunk = await shrinkImages([shows(heavy)], anthropic, resize);
    const [picture] = pictures(shrunk.messages);
    expect(picture!.bytes.length).toBeLessThanOrEqual(anthropic.bytes);
    expect(picture!.mimeType).toBe("image/jpeg");
    const tiny = await shrinkImages([shows(heavy)], { ...anthropic, bytes: 400 }, resize);
    expect(texts(tiny.messages)).toContain("does not get small enough");
  });

  it("what is transparent stays so; what lies on its side is put upright", async () => {
    const glass = await sharp({
      create: { width: 9_000, height: 10, channels: 4, background: { r: 1, g: 2, b: 3, alpha: 0.5 } },
    })
      .png()
      .toBuffer();
    const clear = await shrinkImages([shows(glass)], anthropic, resize);
    expect((await sharp(pictures(clear.messages)[0]!.bytes).metadata()).hasAlpha).toBe(true);
    const sideways = await canvas(9_000, 100).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    const upright = await shrinkImages([shows(sideways, "image/jpeg")], anthropic, resize);
    const facts = imageFacts(pictures(upright.messages)[0]!.bytes);
    expect(facts!.height).toBeGreaterThan(facts!.width);
    expect((await sharp(pictures(upright.messages)[0]!.bytes).metadata()).exif).toBeUndefined();
  });

  it("H22: many pictures have less room each; the newest are shown where there are too many", async () => {
    const medium = shows(await canvas(2_500, 10).png().toBuffer());
    const few = Array.from({ length: 20 }, () => medium);
    expect((await shrinkImages(few, anthropic, resize)).messages).toBe(few);
    const many = Array.from({ length: 21 }, () => shows(Buffer.from(pictures([medium])[0]!.bytes)));
    const shrunk = await shrinkImages(many, anthropic, resize);
    expect(pictures(shrunk.messages).every(({ bytes }) => imageFacts(bytes)!.width === 2_000)).toBe(true);
    const narrow: ImageLimits = { ...anthropic, count: 2 };
    const newest = await shrinkImages(many, narrow, resize);
    expect(pictures(newest.messages)).toHaveLength(2);
    expect(newest.changes).toHaveLength(19);
    expect(texts(newest.messages.slice(0, 19))).toContain("only the newest 2 pictures are shown");
    const heavy = shows(await noise(600, 600).png().toBuffer());
    const both = [heavy, shows(pictures([heavy])[0]!.bytes)];
    const tight: ImageLimits = { ...anthropic, totalBytes: 1_200_000 };
    const sum = pictures((await shrinkImages(both, tight, resize)).messages).reduce(
      (all, { bytes }) => all + bytes.length,
      0,
    );
    expect(sum).toBeLessThanOrEqual(1_200_000);
  });

  it("what fits is not touched, and a second look changes nothing", async () => {
    const messages = [shows(await canvas(100, 100).png().toBuffer()), shows(await canvas(9_000, 9).jpeg().toBuffer())];
    const once = await shrinkImages(messages, anthropic, resize);
    expect(once.messages[0]).toBe(messages[0]);
    const twice = await shrinkImages(once.messages, anthropic, resize);
    expect(twice).toEqual({ messages: once.messages, changes: [] });
    expect(twice.messages).toBe(once.messages);
  });
});

describe("pictures that are not what they seem", () => {
  it("H22: without the library the picture is replaced by a note that says so", async () => {
    const without = createImageResizer(() => Promise.reject(new Error("Cannot find package 'sharp'")));
    const messages = [shows(await canvas(9_000, 9).png().toBuffer()), shows(await canvas(9, 9).png().toBuffer())];
    const shrunk = await shrinkImages(messages, anthropic, without);
    expect(pictures(shrunk.messages)).toHaveLength(1);
    expect(texts(shrunk.messages)).toContain("the package sharp, which makes pictures smaller, is not installed");
    expect(hasUnfitImages(shrunk.messages, anthropic)).toBe(false);
  });

  it("a sea of pixels in a small file is not decoded", async () => {
    const bomb = pngOf(60_000, 60_000);
    expect(bomb.length).toBeLessThan(200);
    const shrunk = await shrinkImages([shows(bomb)], anthropic, resize);
    expect(texts(shrunk.messages)).toContain("more pixels than this gateway decodes");
  });

  it("a file that is cut off, or lies about itself, is a note once it has to be decoded", async () => {
    const whole = await noise(1_700, 1_700).jpeg({ quality: 100 }).toBuffer();
    const cut = whole.subarray(0, whole.length >> 1);
    const limits: ImageLimits = { ...anthropic, edgePixels: 1_000 };
    for (const bytes of [cut, pngOf(9_000, 9)]) {
      const shrunk = await shrinkImages([shows(bytes, "image/jpeg")], limits, resize);
      expect(texts(shrunk.messages)).toContain("it is broken, or of a kind that no model takes");
    }
  });

  it("vector graphics are neither sent nor drawn", async () => {
    const svg = Buffer.from(
      '<?xml version="1.0"?>\n<!-- x --><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="file:///etc/passwd"/></svg>',
    );
    expect(isSvg(svg)).toBe(true);
    for (const mimeType of ["image/svg+xml", "image/png"]) {
      const shrunk = await shrinkImages([shows(svg, mimeType)], anthropic, resize);
      expect(pictures(shrunk.messages)).toEqual([]);
    }
    // Were it handed to the library by mistake: no reader but four is left in it.
    const target = { bytes: 1_000_000, edgePixels: 100, mimeTypes: anthropic.mimeTypes };
    expect(await resize(svg, target)).toEqual({ ok: false, why: "unreadable" });
    const tiff = await canvas(10, 10).tiff().toBuffer();
    expect(await resize(tiff, target)).toEqual({ ok: false, why: "unreadable" });
  });

  it("what moves is sent as its first frame where a provider takes no other", async () => {
    const frames = Buffer.concat([
      await canvas(8, 8, "red").raw().toBuffer(),
      await canvas(8, 8, "blue").raw().toBuffer(),
    ]);
    const moving = await sharp(frames, { raw: { width: 8, height: 16, channels: 3, pageHeight: 8 } })
      .gif({ delay: [100, 100] })
      .toBuffer();
    expect(imageFacts(moving)).toEqual({ mimeType: "image/gif", width: 8, height: 8, isAnimated: true });
    expect(hasUnfitImages([shows(moving, "image/gif")], anthropic)).toBe(false);
    const openai = imageLimitsOf({ api: "openai-responses", baseUrl: null });
    for (const limits of [openai, gemini]) {
      const shrunk = await shrinkImages([shows(moving, "image/gif")], limits, resize);
      const facts = imageFacts(pictures(shrunk.messages)[0]!.bytes);
      expect(facts).toMatchObject({ width: 8, height: 8, isAnimated: false });
      expect(limits.mimeTypes).toContain(facts!.mimeType);
    }
    const still = await canvas(8, 8).gif().toBuffer();
    expect(imageFacts(still)?.isAnimated).toBe(false);
    expect(hasUnfitImages([shows(still, "image/gif")], gemini)).toBe(true);
  });

  it("the size is read from the header of each kind", async () => {
    const exif = await canvas(300, 200)
      .withExif({ IFD0: { ImageDescription: "x".repeat(60_000) } })
      .jpeg()
      .toBuffer();
    expect(imageFacts(exif)).toEqual({ mimeType: "image/jpeg", width: 300, height: 200, isAnimated: false });
    for (const [made, mimeType] of [
      [canvas(300, 200).png(), "image/png"],
      [canvas(300, 200).jpeg({ progressive: true }), "image/jpeg"],
      [canvas(300, 200).webp(), "image/webp"],
      [canvas(300, 200).webp({ lossless: true }), "image/webp"],
      [sharp({ create: { width: 300, height: 200, channels: 4, background: "#11223344" } }).webp(), "image/webp"],
      [canvas(300, 200).gif(), "image/gif"],
    ] as const)
      expect(imageFacts(await made.toBuffer())).toEqual({ mimeType, width: 300, height: 200, isAnimated: false });
  });

  it("whatever the bytes are, nothing is thrown and something is shown", async () => {
    const seeds = await Promise.all([
      canvas(40, 40).png().toBuffer(),
      canvas(40, 40).jpeg().toBuffer(),
      canvas(40, 40).gif().toBuffer(),
      canvas(40, 40).webp().toBuffer(),
    ]);
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .tuple(
          fc.constantFrom(...seeds),
          fc.array(fc.tuple(fc.nat({ max: 400 }), fc.nat({ max: 255 })), { maxLength: 8 }),
        )
        .map(([seed, hits]) => {
          const copy = Uint8Array.from(seed);
          for (const [at, byte] of hits) copy[at % copy.length] = byte;
          return copy;
        }),
    );
    const limits: ImageLimits = { ...anthropic, edgePixels: 20, mimeTypes: ["image/png"] };
    await fc.assert(
      fc.asyncProperty(bytes, async (data) => {
        imageFacts(data);
        const shrunk = await shrinkImages([shows(data)], limits, resize);
        const [message] = shrunk.messages;
        expect(message?.role === "user" && message.content.length).toBe(2);
      }),
      { numRuns: 60 },
    );
  });

  it("every protocol has limits that fit together", () => {
    for (const api of modelApis) {
      for (const baseUrl of [null, "https://api.groq.com/openai/v1", "no address"]) {
        const limits = imageLimitsOf({ api, baseUrl });
        expect(limits.bytes).toBeLessThanOrEqual(limits.totalBytes);
        expect(limits.manyEdgePixels).toBeLessThanOrEqual(limits.edgePixels);
        expect(stricterImageLimits(limits).bytes).toBeLessThanOrEqual(limits.bytes);
      }
    }
  });

  it("a link is left as it is", async () => {
    const link: ModelMessage = {
      role: "user",
      content: [{ type: "file", attachment: { type: "image", url: "https://example.org/a.png" } }],
    };
    const never: ResizeImage = () => Promise.reject(new Error("must not be called"));
    expect((await shrinkImages([link], anthropic, never)).messages).toEqual([link]);
  });
});

describe("the library", () => {
  it("is not loaded before the first picture that needs it", () => {
    const script = `
      const { createImageResizer } = await import(${JSON.stringify(new URL("./image-resizer.ts", import.meta.url).href)});
      const loaded = () => process.report.getReport().sharedObjects.some((file) => file.includes("sharp"));
      const resize = createImageResizer();
      const before = loaded();
      await resize(new Uint8Array(4), { bytes: 1, edgePixels: 1, mimeTypes: [] });
      console.log(before, loaded());
    `;
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
    expect(stdout.trim()).toBe("false true");
  });
});

/** A header that promises a picture, and next to nothing behind it. */
function pngOf(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 0, 0, 0, 0], 8);
  const chunk = (name: string, data: Buffer): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    const body = Buffer.concat([Buffer.from(name), data]);
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const magic = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    magic,
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(Buffer.alloc(10))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function crc32(bytes: Buffer): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return ~crc >>> 0;
}
