/**
 * The files that people and bots sent. Owns their bytes and the ids under which a bot may fetch them: a `file_id` is
 * good for one bot only, `file_unique_id` is the same for all. Forgets the oldest bytes where they become too many.
 */
import { createHash } from "node:crypto";
import { botApiLimits } from "../bot-api-limits.ts";
import type { Media } from "./message.ts";

export interface StoredFile {
  readonly index: number;
  readonly fileName: string | null;
  readonly mimeType: string | null;
  readonly sizeBytes: number;
}

/** Bytes of all files that are kept at once; the messages that show a forgotten one stay. */
const keptBytes = 256 * 1024 * 1024;

export class FileShelf {
  readonly #bytes = new Map<number, Uint8Array>();
  readonly #files: StoredFile[] = [];
  #sizeBytes = 0;

  add(bytes: Uint8Array, fileName: string | null, mimeType: string | null): StoredFile {
    const file = { index: this.#files.length, fileName, mimeType, sizeBytes: bytes.byteLength };
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

  /** The file that this bot may name so; undefined for an id that was made up, is another bot's, or was forgotten. */
  byId(fileId: string, botId: number): StoredFile | undefined {
    const index = Number(/^AgAD(\d+)A/.exec(fileId)?.[1] ?? Number.NaN);
    const file = this.#files[index];
    if (file === undefined || !this.#bytes.has(index)) return undefined;
    return fileIdOf(file, botId) === fileId ? file : undefined;
  }

  byPath(path: string): Uint8Array | undefined {
    const index = Number(/^[a-z]+\/file_(\d+)(?:\.\w+)?$/.exec(path)?.[1] ?? Number.NaN);
    const file = this.#files[index];
    return file === undefined || pathOf(file) !== path ? undefined : this.#bytes.get(index);
  }
}

/** A `File` object. Only small files have a path. */
export function fileObject(file: StoredFile, botId: number): Readonly<Record<string, unknown>> {
  return {
    ...identity(file, botId),
    ...(file.sizeBytes > botApiLimits.downloadBytes ? {} : { file_path: pathOf(file) }),
  };
}

/** The field of a message that shows this medium. */
export function fileFields({ kind, file, details }: Media, botId: number): Readonly<Record<string, unknown>> {
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

/** Telegram makes smaller copies of a photo, each a file of its own, the original last. */
function photoSizes(file: StoredFile, botId: number): readonly Readonly<Record<string, unknown>>[] {
  const original = { ...identity(file, botId), width: 1_280, height: 960 };
  if (file.sizeBytes < 1_024) return [original];
  return [
    {
      ...original,
      file_unique_id: `${uniqueIdOf(file)}s`,
      file_size: Math.ceil(file.sizeBytes / 16),
      width: 90,
      height: 67,
    },
    original,
  ];
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
  const extension = /\.\w{1,8}$/.exec(file.fileName ?? "")?.[0] ?? "";
  return `documents/file_${file.index}${extension}`;
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
