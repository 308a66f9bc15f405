/**
 * Files that a platform does not take. They are never a reason for a part to fail: the text names them instead, so that
 * the reader knows of them and can fetch what has an address.
 */
import type { ChannelManifest } from "../../channels/contract.ts";
import type { Attachment, Reply } from "../../domain/message.ts";

/** The reply as the channel can send it: what it cannot take stands in the text. */
export function fitAttachments(
  reply: Reply,
  manifest: Pick<ChannelManifest, "capabilities" | "attachmentBytes">,
): Reply {
  const attachments = reply.attachments ?? [];
  const named = attachments.filter((attachment) => !isTaken(attachment, manifest));
  if (named.length === 0) return reply;
  const lines = named.map((attachment) => nameLine(attachment, manifest.attachmentBytes));
  return {
    ...reply,
    markdown: [reply.markdown, lines.join("\n")].filter((text) => text !== "").join("\n\n"),
    attachments: attachments.filter((attachment) => !named.includes(attachment)),
  };
}

function isTaken(
  attachment: Attachment,
  { capabilities, attachmentBytes }: Parameters<typeof fitAttachments>[1],
): boolean {
  if (!capabilities.sends.includes(attachment.type)) return false;
  return !isTooLarge(attachment, attachmentBytes);
}

function isTooLarge(attachment: Attachment, attachmentBytes: number | undefined): boolean {
  return attachmentBytes !== undefined && sizeOf(attachment) > attachmentBytes;
}

/** 0 where nobody told: such a file is tried. */
function sizeOf({ sizeBytes, data }: Attachment): number {
  return sizeBytes ?? (data === undefined ? 0 : Buffer.byteLength(data, "base64"));
}

/** `photo.png (image, 62 MB, too large to be sent): https://…` */
function nameLine(attachment: Attachment, attachmentBytes: number | undefined): string {
  const { type, fileName, url } = attachment;
  const bytes = sizeOf(attachment);
  const facts = [
    type,
    ...(bytes > 0 ? [readableSize(bytes)] : []),
    ...(isTooLarge(attachment, attachmentBytes) ? ["too large to be sent"] : []),
  ];
  const name = (fileName ?? "").trim() === "" ? "Attachment" : (fileName as string).trim();
  return `${name} (${facts.join(", ")})${url === undefined ? "" : `: ${url}`}`;
}

function readableSize(bytes: number): string {
  if (bytes < 1_000) return `${bytes} bytes`;
  return bytes < 1_000_000 ? `${Math.round(bytes / 1_000)} kB` : `${Math.round(bytes / 1_000_000)} MB`;
}
