/**
 * A picture's bytes, from the workspace or from a public address and from nowhere else. Its size is known before it is
 * read, its pixels before anything decodes them.
 */
import { constants } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import type { Attachment } from "../../domain/message.ts";
import type { Egress } from "../../platform/egress.ts";
import { openInside, resolveInside } from "../../platform/safe-path.ts";

/** What a picture's header says; null for what is no picture of a kind that models are shown. */
export type ReadHeader = (
  bytes: Uint8Array,
) => { readonly mimeType: string; readonly width: number; readonly height: number } | null;

/** Throws SEC_007 for a name that leaves the workspace, RUN_003 for what cannot be looked at. */
export async function imageOfFile(workspace: string, name: string, header: ReadHeader): Promise<Attachment> {
  const handle = await opened(workspace, name);
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw refused(`${JSON.stringify(name)} is no file.`);
    if (stat.size > limits.lookedAtImageBytes) throw tooLarge();
    return attachmentOf(await readExactly(handle, stat.size), header);
  } finally {
    await handle.close();
  }
}

/** Throws SEC_005 for an address that may not be asked, RUN_003 for what cannot be looked at, RUN_001 when aborted. */
export async function imageOfUrl(
  url: string,
  { egress, header, signal }: { egress: Pick<Egress, "fetch">; header: ReadHeader; signal: AbortSignal },
): Promise<Attachment> {
  try {
    const response = await egress.fetch(url, {
      headers: { accept: "image/png, image/jpeg, image/webp, image/gif" },
      maxBytes: limits.lookedAtImageBytes,
      timeoutMs: limits.webFetchTimeoutMs,
      signal,
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw refused(`The server answered with status ${response.status}.`);
    }
    return attachmentOf(new Uint8Array(await response.arrayBuffer()), header);
  } catch (thrown) {
    const error = AppError.from(thrown, "CONN_001");
    if (error.code === "MSG_003") throw tooLarge();
    if (["SEC_005", "RUN_001", "RUN_003"].includes(error.code)) throw error;
    throw new AppError("RUN_003", "The picture could not be fetched from there.", { cause: error });
  }
}

async function opened(workspace: string, name: string): Promise<FileHandle> {
  const safe = await resolveInside(workspace, name);
  try {
    // A pipe that nobody writes to would be waited for.
    return await openInside(safe, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (thrown) {
    if (thrown instanceof AppError) throw thrown;
    throw new AppError("RUN_003", `${JSON.stringify(name)} cannot be opened. Look at what files there are.`, {
      cause: thrown,
    });
  }
}

/** Not more than it was said to have, should it grow meanwhile. */
async function readExactly(handle: FileHandle, sizeBytes: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(sizeBytes);
  let at = 0;
  while (at < sizeBytes) {
    const { bytesRead } = await handle.read(bytes, at, sizeBytes - at, at);
    if (bytesRead === 0) break;
    at += bytesRead;
  }
  return bytes.subarray(0, at);
}

function attachmentOf(bytes: Uint8Array, header: ReadHeader): Attachment {
  const facts = header(bytes);
  if (facts === null) throw refused("That is no picture (PNG, JPEG, WebP or GIF).");
  if (facts.width * facts.height > limits.imagePixels)
    throw refused(`The picture has ${facts.width} × ${facts.height} pixels, which is more than is decoded.`);
  return {
    type: "image",
    mimeType: facts.mimeType,
    sizeBytes: bytes.byteLength,
    data: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64"),
  };
}

function tooLarge(): AppError {
  return refused(`The picture is larger than ${limits.lookedAtImageBytes / (1024 * 1024)} MiB.`);
}

function refused(message: string): AppError {
  return new AppError("RUN_003", message);
}
