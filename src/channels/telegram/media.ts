/**
 * Which call sends a file, and what is said of one that cannot be sent. Pure. Only bytes that are at hand are sent:
 * an address is given on as text, since what stands behind it may be for the reader's eyes alone.
 */
import type { Attachment } from "../../domain/message.ts";
import type { ApiFile } from "./api.ts";

export interface FileCall {
  readonly method: string;
  readonly file: ApiFile;
  /** Whether a text can go with it. */
  readonly captioned: boolean;
  /** What is said instead where Telegram does not take it. */
  readonly line: string;
}

interface Kind {
  readonly method: string;
  readonly field: string;
  readonly captioned: boolean;
  readonly mimeType: string;
  readonly extension: string;
}

const kinds: Readonly<Record<Attachment["type"], Kind>> = {
  image: { method: "sendPhoto", field: "photo", captioned: true, mimeType: "image/jpeg", extension: "jpg" },
  video: { method: "sendVideo", field: "video", captioned: true, mimeType: "video/mp4", extension: "mp4" },
  audio: { method: "sendAudio", field: "audio", captioned: true, mimeType: "audio/mpeg", extension: "mp3" },
  voice: { method: "sendVoice", field: "voice", captioned: true, mimeType: "audio/ogg", extension: "ogg" },
  document: {
    method: "sendDocument",
    field: "document",
    captioned: true,
    mimeType: "application/octet-stream",
    extension: "bin",
  },
  sticker: { method: "sendSticker", field: "sticker", captioned: false, mimeType: "image/webp", extension: "webp" },
};

/** Null where there are no bytes, or more than Telegram takes. */
export function fileCall(attachment: Attachment, maxBytes: number): FileCall | null {
  const bytes = bytesOf(attachment, maxBytes);
  return bytes === null ? null : callFor(attachment, kinds[attachment.type], bytes);
}

/** The same bytes as a plain file: what is refused as a picture is often taken as that. */
export function plainFileCall({ file, line }: FileCall): FileCall {
  const { method, field, captioned } = kinds.document;
  return { method, file: { ...file, field }, captioned, line };
}

/** What is said of a file instead of sending it. */
export function attachmentLine({ type, fileName, mimeType, url, sizeBytes }: Attachment): string {
  const name = fileName ?? mimeType ?? "";
  const size = sizeBytes === undefined ? "" : `(${sizeBytes} bytes)`;
  const address = url ?? "(cannot be sent on Telegram)";
  return [`[${type}]`, name, size, address].filter((part) => part !== "").join(" ");
}

function callFor(attachment: Attachment, kind: Kind, bytes: Uint8Array): FileCall {
  const { method, field, captioned } = kind;
  const fileName = safeName(attachment.fileName ?? `file.${kind.extension}`);
  const file = { field, bytes, fileName, mimeType: attachment.mimeType ?? kind.mimeType };
  return { method, captioned, file, line: attachmentLine(attachment) };
}

function bytesOf({ data }: Attachment, maxBytes: number): Uint8Array | null {
  // Four characters hold three bytes: judged before a copy of it is made.
  if (data === undefined || (data.length / 4) * 3 > maxBytes + 2) return null;
  const bytes = Buffer.from(data, "base64");
  return bytes.length === 0 || bytes.length > maxBytes ? null : bytes;
}

/** A name, and no path: some apps save a file under it. */
function safeName(name: string): string {
  const plain = name.toWellFormed().replace(/[\0-\x1f\x7f/\\]/g, "_");
  return plain === "" || plain.startsWith(".") ? `file${plain}` : plain;
}
