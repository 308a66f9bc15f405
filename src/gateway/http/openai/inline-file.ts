/**
 * Files inside a request: data URLs and base64. They are measured from their length and passed on as they are,
 * never decoded here, and never fetched: an address is handed to the model's provider as an address.
 */
import { AppError } from "../../../domain/app-error.ts";
import { limits } from "../../../domain/limits.ts";
import type { Attachment } from "../../../domain/message.ts";

/** An image by `data:` or `http(s):` URL. Throws RPC_003, or MSG_003 where it is too large. */
export function imageFromUrl(url: string, param: string): Attachment {
  const attachment = fromUrl(url, param);
  if (attachment.mimeType !== undefined && !attachment.mimeType.startsWith("image/")) {
    throw invalid(`${attachment.mimeType} is no image.`, param);
  }
  return { ...attachment, type: "image" };
}

/** A file by data URL, by bare base64, or by address. */
export function fileFrom(file: { data?: string; url?: string; name?: string }, param: string): Attachment {
  const named = file.name === undefined ? {} : { fileName: file.name };
  if (file.url !== undefined) return { ...fromUrl(file.url, param), ...named };
  if (file.data === undefined) throw invalid("Send the file's content; stored files are not known here.", param);
  if (file.data.startsWith("data:")) return { ...fromUrl(file.data, param), ...named };
  return { ...fromBase64(file.data, mimeOfName(file.name), param), ...named };
}

export function audioFrom(data: string, format: string, param: string): Attachment {
  return { ...fromBase64(data, format === "mp3" ? "audio/mpeg" : `audio/${format}`, param), type: "audio" };
}

function fromUrl(url: string, param: string): Attachment {
  if (/^https?:\/\//i.test(url)) {
    if (url.length > 8_192 || !URL.canParse(url)) throw invalid("This address is not valid.", param);
    return { type: "document", url };
  }
  const comma = url.indexOf(",", 5);
  // The head alone is looked at by pattern; the rest may be megabytes.
  const head = /^data:([\w.+-]+\/[\w.+-]+)?(?:;[\w-]+=[^;,]*)*;base64$/i.exec(url.slice(0, Math.min(comma, 256)));
  if (comma === -1 || head === null) throw invalid("Send files as base64 data URLs or http(s) addresses.", param);
  return fromBase64(url.slice(comma + 1), head[1]?.toLowerCase() ?? "application/octet-stream", param);
}

function fromBase64(data: string, mimeType: string, param: string): Attachment {
  const padding = data.endsWith("==") ? 2 : data.endsWith("=") ? 1 : 0;
  const sizeBytes = Math.floor((data.length * 3) / 4) - padding;
  if (sizeBytes > limits.inlineAttachmentBytes) {
    throw new AppError("MSG_003", `A file is larger than ${limits.inlineAttachmentBytes} bytes.`, {
      details: { param },
    });
  }
  if (data === "" || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(data)) throw invalid("The file is not valid base64.", param);
  return { type: mimeType.startsWith("image/") ? "image" : "document", data, mimeType, sizeBytes };
}

const mimeTypes: Readonly<Record<string, string>> = {
  pdf: "application/pdf",
  txt: "text/plain",
  md: "text/markdown",
  csv: "text/csv",
  html: "text/html",
  json: "application/json",
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  webp: "image/webp",
};

function mimeOfName(name: string | undefined): string {
  const extension = name?.split(".").at(-1)?.toLowerCase() ?? "";
  return Object.hasOwn(mimeTypes, extension) ? (mimeTypes[extension] ?? "") : "application/octet-stream";
}

function invalid(message: string, param: string): AppError {
  return new AppError("RPC_003", message, { details: { param } });
}
