/**
 * The files that people and bots sent. Owns their bytes and the ids under which a bot may fetch them: a `file_id` is
 * good for one bot only, `file_unique_id` is the same for all. Forgets the oldest bytes where they become too many.
 */
import { createHash } from "node:crypto";
import { botApiLimits } from "../bot-api-limits.ts";

export type MediaKind = "photo" | "document" | "voice" | "audio" | "video" | "video_note" | "sticker" | "animation";

export interface StoredFile {
  readonly index: number;
  /** As what it was first sent; as something else it may be sent again only within limits. */
  readonly kind: MediaKind;
  readonly fileName: string | null;
  readonly mimeType: string | null;
  readonly sizeBytes: number;
  /** The smaller copy of a photo: a file of its own, with other bytes. */
  readonly smaller: StoredFile | null;
}

export interface Media {
  readonly kind: MediaKind;
  readonly file: StoredFile;
  /** What the sender said about it: `duration`, `width`, `title`. */
  readonly details: Readonly<Record<string, unknown>>;
}

export interface NewFile {
  readonly kind: MediaKind;
  readonly bytes: Uint8Array;
  readonly fileName: string | null;
  readonly mimeType: string | null;
}

/** Bytes of all files that are kept at once; the messages that show a forgotten one stay. */
const keptBytes = 256 * 1024 * 1024;
/** A smaller photo has no smaller copy. */
const shrinkableBytes = 1_024;

export class FileShelf {
  readonly #bytes = new Map<number, Uint8Array>();
  readonly #files: StoredFile[] = [];
  #sizeBytes = 0;

  add({ kind, bytes, fileName, mimeType }: NewFile): StoredFile {
    // A part of a request would hold the whole of it in memory.
    const own = new Uint8Array(bytes);
    const isShrinkable = kind === "photo" && own.byteLength >= shrinkableBytes;
    const smaller = isShrinkable ? this.#put(own.subarray(0, own.byteLength >> 4), { kind, fileName, mimeType }) : null;
    return this.#put(own, { kind, fileName, mimeType }, smaller);
  }

  /** The file that this bot may name so; undefined for an id that was made up, is another bot's, or was forgotten. */
  byId(fileId: string, botId: number): StoredFile | undefined {
    const file = this.#files[Number(/^AgAD(\d+)A/.exec(fileId)?.[1] ?? Number.NaN)];
    if (file === undefined || !this.#bytes.has(file.index)) return undefined;
    return fileIdOf(file, botId) === fileId ? file : undefined;
  }

  byPath(path: string): Uint8Array | undefined {
    const file = this.#files[Number(/^[a-z_]+\/file_(\d+)(?:\.\w+)?$/.exec(path)?.[1] ?? Number.NaN)];
    return file === undefined || pathOf(file) !== path ? undefined : this.#bytes.get(file.index);
  }

  #put(bytes: Uint8Array, about: Omit<NewFile, "bytes">, smaller: StoredFile | null = null): StoredFile {
    const file = { ...about, index: this.#files.length, sizeBytes: bytes.byteLength, smaller };
    this.#files.push(file);
    this.#bytes.set(file.index, bytes);
    this.#sizeBytes += bytes.byteLength;
    for (const [index, old] of this.#bytes) {
      if (this.#sizeBytes <= keptBytes) break;
      this.#bytes.delete(index);
      this.#sizeBytes -= old.byteLength;
    }
    return file;
  }
}

/** Whether an id looks like one at all; only such a one can be another bot's. */
export function isFileId(text: string): boolean {
  return /^AgAD\d+A[\w-]{43}$/.test(text);
}

/** A `File` object. */
export function fileObject(file: StoredFile, botId: number): Readonly<Record<string, unknown>> {
  return { ...identity(file, botId), file_path: pathOf(file) };
}

/** The field of a message that shows this medium. */
export function mediaFields({ kind, file, details }: Media, botId: number): Readonly<Record<string, unknown>> {
  if (kind === "photo") return { photo: photoSizes(file, botId) };
  const described = {
    ...defaultDetails[kind],
    ...details,
    ...(file.fileName === null || namelessKinds.has(kind) ? {} : { file_name: file.fileName }),
    ...(file.mimeType === null ? {} : { mime_type: file.mimeType }),
    ...identity(file, botId),
  };
  // An animation is shown as a document too, for clients that are older than animations.
  return kind === "animation" ? { animation: described, document: described } : { [kind]: described };
}

const namelessKinds: ReadonlySet<string> = new Set(["voice", "video_note", "sticker"]);

const defaultDetails: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  voice: { duration: 1 },
  audio: { duration: 1 },
  video: { duration: 1, width: 320, height: 240 },
  animation: { duration: 1, width: 320, height: 240 },
  video_note: { duration: 1, length: 240 },
  sticker: { type: "regular", width: 512, height: 512, is_animated: false, is_video: false },
};

/** The original is the last: who takes the first has the smallest copy. */
function photoSizes(file: StoredFile, botId: number): readonly Readonly<Record<string, unknown>>[] {
  const original = { ...identity(file, botId), width: 1_280, height: 960 };
  return file.smaller === null ? [original] : [{ ...identity(file.smaller, botId), width: 90, height: 67 }, original];
}

function identity(file: StoredFile, botId: number): Readonly<Record<string, unknown>> {
  return { file_id: fileIdOf(file, botId), file_unique_id: uniqueIdOf(file), file_size: file.sizeBytes };
}

function fileIdOf(file: StoredFile, botId: number): string {
  return `AgAD${file.index}A${digest(`${file.index}:${botId}`)}`;
}

function uniqueIdOf(file: StoredFile): string {
  return `AQAD${digest(`unique:${file.index}`).slice(0, 11)}`;
}

function pathOf(file: StoredFile): string {
  const extension = /\.\w{1,8}$/.exec(file.fileName ?? "")?.[0] ?? (file.kind === "photo" ? ".jpg" : "");
  return `${file.kind}s/file_${file.index}${extension}`;
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}

/** Larger ones can be sent, but not fetched. */
export function isFetchable(file: StoredFile): boolean {
  return file.sizeBytes <= botApiLimits.downloadBytes;
}
