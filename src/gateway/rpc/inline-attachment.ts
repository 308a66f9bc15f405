/** Files inside a frame, checked before anything is kept of them: base64 that is base64, and within the size. */
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import type { Attachment } from "../../domain/message.ts";
import type { InlineAttachment } from "../../protocol/methods/chat.ts";

/** Throws RPC_003 for what is not base64, MSG_003 for a file beyond the limit. */
export function attachmentOf(file: InlineAttachment): Attachment {
  const dataUrl = /^data:([^;,]*)[^,]*,/.exec(file.content.slice(0, 256));
  const data = (dataUrl === null ? file.content : file.content.slice(dataUrl[0].length)).replaceAll(/\s/g, "");
  const sizeBytes = Math.floor((data.replace(/=+$/, "").length * 3) / 4);
  if (sizeBytes > limits.inlineAttachmentBytes) {
    throw new AppError("MSG_003", `an attachment is larger than ${limits.inlineAttachmentBytes} bytes`, {
      details: { sizeBytes },
    });
  }
  if (data === "" || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(data)) {
    throw new AppError("RPC_003", "an attachment's content is not base64", { details: { param: "attachments" } });
  }
  const mimeType = file.mimeType ?? dataUrl?.[1];
  return {
    type: kindOf(mimeType),
    data,
    sizeBytes,
    ...(mimeType === undefined || mimeType === "" ? {} : { mimeType }),
    ...(file.fileName === undefined ? {} : { fileName: file.fileName.slice(0, 255) }),
  };
}

function kindOf(mimeType: string | undefined): Attachment["type"] {
  const family = mimeType?.split("/")[0];
  return family === "image" || family === "video" || family === "audio" ? family : "document";
}
