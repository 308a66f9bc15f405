/** Which files a model can be shown, and what it is told of the others. Never fetches one. */
import { cleanSource } from "../domain/external.ts";
import type { ModelInfo } from "../domain/conversation.ts";
import type { Attachment } from "../domain/message.ts";

/** The media type to show the file as; undefined where this model cannot take it or its bytes are not at hand. */
export function readableAs(attachment: Attachment, model: ModelInfo): string | undefined {
  if (attachment.data === undefined && attachment.url === undefined) return undefined;
  if (attachment.type === "image" || attachment.type === "sticker") {
    const mediaType = attachment.mimeType ?? "image/png";
    return model.input.includes("image") && mediaType.startsWith("image/") ? mediaType : undefined;
  }
  if (attachment.type !== "document") return undefined;
  const mediaType = attachment.mimeType ?? "application/octet-stream";
  return model.input.includes("document") && mediaType === "application/pdf" ? mediaType : undefined;
}

export function attachmentNote(attachment: Attachment, model: ModelInfo): string {
  // Both are as the sender's program tells them: a name is whoever's who named the file.
  const name = attachment.fileName === undefined ? "" : ` ${JSON.stringify(cleanSource(attachment.fileName))}`;
  const kind = /^[\w.+-]{1,64}\/[\w.+-]{1,64}$/.test(attachment.mimeType ?? "") ? ` (${attachment.mimeType})` : "";
  const known = attachment.data !== undefined || attachment.url !== undefined;
  return `[The user sent a file that ${known ? `${model.id} cannot read` : "is not at hand"}: ${attachment.type}${name}${kind}]`;
}
