/**
 * Makes the pictures of a conversation such as a provider takes: what is too large is made smaller, what is of a kind it
 * does not take is made another, and what can be neither becomes a note in its place. Nothing is left out in silence.
 */
import type { ModelMessage, UserContent } from "../../domain/conversation.ts";
import type { Attachment } from "../../domain/message.ts";
import { imageFacts, isSvg, type ImageFacts } from "./image-facts.ts";
import type { ImageLimits } from "./image-limits.ts";
import type { ResizeImage, ResizeOutcome } from "./image-resizer.ts";

export interface ShrunkImages {
  /** The same array where nothing had to be done. */
  readonly messages: readonly ModelMessage[];
  /** A sentence each for people, in the order of the conversation. */
  readonly changes: readonly string[];
}

/** Whether some picture would be refused for sure: told from sizes and headers, without decoding anything. */
export function hasUnfitImages(messages: readonly ModelMessage[], limits: ImageLimits): boolean {
  const images = imagesOf(messages);
  if (images.length > limits.count) return true;
  if (images.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) > limits.totalBytes) return true;
  return images.some((image) => !isFit(image, edgeFor(images.length, limits), limits.bytes, limits));
}

/**
 * Never throws. The newest pictures stay where there are too many; pictures without bytes of ours (links) are left as
 * they are. Run again on its own result it changes nothing.
 */
export async function shrinkImages(
  messages: readonly ModelMessage[],
  limits: ImageLimits,
  resize: ResizeImage,
): Promise<ShrunkImages> {
  const images = imagesOf(messages);
  const dropped = new Set(images.slice(0, Math.max(0, images.length - limits.count)));
  const kept = images.length - dropped.size;
  const share = Math.min(limits.bytes, Math.floor(limits.totalBytes / Math.max(1, kept)));
  const isOver = images.reduce((sum, image) => sum + (dropped.has(image) ? 0 : image.sizeBytes), 0) > limits.totalBytes;
  const target = {
    bytes: isOver ? share : limits.bytes,
    edgePixels: edgeFor(kept, limits),
    mimeTypes: limits.mimeTypes,
  };
  const replaced = new Map<UserContent, UserContent>();
  const changes: string[] = [];
  for (const image of images) {
    if (!dropped.has(image) && isFit(image, target.edgePixels, target.bytes, limits)) continue;
    const outcome = dropped.has(image) ? null : await outcomeOf(image, target, resize);
    const { part, change } = replacement(image, outcome, limits);
    replaced.set(image.part, part);
    changes.push(change);
  }
  return changes.length === 0
    ? { messages, changes }
    : { messages: messages.map((message) => swap(message, replaced)), changes };
}

interface Image {
  readonly part: UserContent;
  readonly attachment: Attachment & { readonly data: string };
  readonly sizeBytes: number;
  readonly facts: ImageFacts | null;
}

function imagesOf(messages: readonly ModelMessage[]): readonly Image[] {
  return messages.flatMap((message) =>
    message.role === "user" ? message.content.flatMap((part) => imageOf(part) ?? []) : [],
  );
}

function imageOf(part: UserContent): Image | undefined {
  if (part.type !== "file") return undefined;
  const { attachment } = part;
  const { data, type, mimeType = "image/png" } = attachment;
  if (data === undefined || (type !== "image" && type !== "sticker") || !mimeType.startsWith("image/"))
    return undefined;
  return {
    part,
    attachment: { ...attachment, data },
    sizeBytes: Math.floor((data.length * 3) / 4),
    facts: factsOf(data),
  };
}

/** Text of the head of a file: a camera's notes come first, and are rarely longer. */
const headChars = 400_000;

function factsOf(data: string): ImageFacts | null {
  const head = imageFacts(Buffer.from(data.slice(0, headChars), "base64"));
  return head ?? (data.length > headChars ? imageFacts(Buffer.from(data, "base64")) : null);
}

function edgeFor(count: number, { edgePixels, manyEdgePixels, manyCount }: ImageLimits): number {
  return count > manyCount ? manyEdgePixels : edgePixels;
}

/** What says nothing of itself is the provider's to judge, but for vector graphics: nobody takes those. */
function isFit({ facts, sizeBytes, attachment }: Image, edge: number, bytes: number, limits: ImageLimits): boolean {
  if (sizeBytes > bytes) return false;
  if (facts === null) return attachment.mimeType !== "image/svg+xml" && !isSvg(Buffer.from(attachment.data, "base64"));
  if (!limits.mimeTypes.includes(facts.mimeType) || (facts.isAnimated && !limits.animated)) return false;
  return facts.width <= edge && facts.height <= edge;
}

async function outcomeOf(
  { attachment, facts }: Image,
  target: Parameters<ResizeImage>[1],
  resize: ResizeImage,
): Promise<ResizeOutcome> {
  if (facts === null) return { ok: false, why: "unreadable" };
  return resize(Buffer.from(attachment.data, "base64"), target);
}

function replacement(
  { attachment, facts, sizeBytes }: Image,
  outcome: ResizeOutcome | null,
  limits: ImageLimits,
): { readonly part: UserContent; readonly change: string } {
  const name = attachment.fileName === undefined ? "A picture" : `The picture ${JSON.stringify(attachment.fileName)}`;
  const size = `${facts === null ? "" : `${facts.width}×${facts.height} pixels, `}${Math.ceil(sizeBytes / 1024)} KiB`;
  if (outcome?.ok === true) {
    const data = Buffer.from(outcome.bytes).toString("base64");
    const { mimeType } = outcome;
    return {
      part: { type: "file", attachment: { ...attachment, data, mimeType, sizeBytes: outcome.bytes.length } },
      change: `${name} (${size}) was made smaller: ${Math.ceil(outcome.bytes.length / 1024)} KiB.`,
    };
  }
  const why = outcome === null ? `only the newest ${limits.count} pictures are shown` : reasons[outcome.why];
  return {
    part: { type: "text", text: `[${name} (${size}) is not shown: ${why}.]` },
    change: `${name} (${size}) was left out: ${why}.`,
  };
}

const reasons: Readonly<Record<Extract<ResizeOutcome, { ok: false }>["why"], string>> = {
  missing: "it is too large for the model, and the package sharp, which makes pictures smaller, is not installed",
  "too-many-pixels": "it has more pixels than this gateway decodes",
  unreadable: "it is broken, or of a kind that no model takes",
  "too-large": "it does not get small enough for the model",
};

function swap(message: ModelMessage, replaced: ReadonlyMap<UserContent, UserContent>): ModelMessage {
  if (message.role !== "user" || !message.content.some((part) => replaced.has(part))) return message;
  return { ...message, content: message.content.map((part) => replaced.get(part) ?? part) };
}
