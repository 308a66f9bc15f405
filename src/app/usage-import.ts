/**
 * Books what another installation spent, from its transcripts. Reads one file after the other, a piece at a time, and
 * reads on only when what was read is booked: memory holds one piece, one line and one batch, however much there is.
 */
import { open, readdir, stat } from "node:fs/promises";
import path from "node:path";
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import { formatSessionKey } from "../domain/session-key.ts";
import type { ImportedCall } from "../protocol/methods/usage.ts";
import { newTally, readUsage, type TranscriptCall, type UsageTally } from "../store/transcript-usage.ts";

export interface UsageImport {
  /** Files, and folders in which every transcript is taken. */
  readonly paths: readonly string[];
  /** Whose calls they are, where a file's place does not tell (`agents/<id>/sessions/`). */
  readonly agentId: string;
  /** Resolves when the batch is booked. */
  readonly book: (calls: readonly ImportedCall[]) => Promise<{ readonly booked: number; readonly known: number }>;
  /** Between two batches. */
  readonly signal: AbortSignal;
}

export interface ImportedFile {
  readonly file: string;
  /** Why nothing of it was read; the other files were. */
  readonly unreadable: string | null;
  readonly booked: number;
  /** Calls that were booked before, from this file or from a copy. */
  readonly known: number;
  readonly tally: Readonly<UsageTally>;
}

const pieceBytes = 256 * 1024;
const deepestFolder = 8;

/** Yields each file when it is done. Throws SYS_003 for a path that is not there; what was booked before stays. */
export async function* importUsage(options: UsageImport): AsyncGenerator<ImportedFile> {
  for (const given of options.paths) {
    for await (const file of transcriptsAt(given)) {
      options.signal.throwIfAborted();
      yield await importFile(file, options);
    }
  }
}

/** What is named is taken; of a folder the transcripts, those that were put aside (`x.jsonl.reset.…`) among them. */
async function* transcriptsAt(given: string): AsyncGenerator<string> {
  const found = await stat(given).catch((thrown: unknown) => {
    const { code } = thrown as NodeJS.ErrnoException;
    throw new AppError("SYS_003", `${given} cannot be read: ${code ?? "unknown"}.`, { cause: thrown });
  });
  if (!found.isDirectory()) yield given;
  else yield* transcriptsIn(given, deepestFolder);
}

async function* transcriptsIn(folder: string, depth: number): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.toSorted((left, right) => (left.name < right.name ? -1 : 1))) {
    const full = path.join(folder, entry.name);
    // A link is not followed: it may lead out of the folder, or back into it.
    if (entry.isDirectory() && depth > 1) yield* transcriptsIn(full, depth - 1);
    else if (entry.isFile() && /\.jsonl(?:\.|$)/.test(entry.name)) yield full;
  }
}

async function importFile(file: string, options: UsageImport): Promise<ImportedFile> {
  const tally = newTally();
  const sums = { booked: 0, known: 0 };
  const where = placeOf(file, options.agentId);
  let batch: ImportedCall[] = [];
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return;
    const { booked, known } = await options.book(batch);
    batch = [];
    sums.booked += booked;
    sums.known += known;
    options.signal.throwIfAborted();
  };
  try {
    for await (const call of readUsage(piecesOf(file), tally)) {
      batch.push(importedCall(call, where));
      if (batch.length >= limits.usageImportCalls) await flush();
    }
  } catch (thrown) {
    const unreadable = reasonOf(thrown);
    if (unreadable === null) throw thrown;
    await flush();
    return { file, unreadable, ...sums, tally };
  }
  await flush();
  return { file, unreadable: null, ...sums, tally };
}

class NotText extends Error {}

/** Null for what is no fault of the file. */
function reasonOf(thrown: unknown): string | null {
  if (thrown instanceof NotText) return thrown.message;
  const { code } = thrown as NodeJS.ErrnoException;
  return !(thrown instanceof AppError) && typeof code === "string" && /^E[A-Z]+$/.test(code) ? code : null;
}

/** Always the same memory: whoever reads is done with a piece when it asks for the next one. */
async function* piecesOf(file: string): AsyncGenerator<Uint8Array> {
  const handle = await open(file, "r");
  try {
    const memory = Buffer.allocUnsafe(pieceBytes);
    for (let isFirst = true; ; isFirst = false) {
      const { bytesRead } = await handle.read(memory, 0, pieceBytes);
      if (bytesRead === 0) return;
      if (isFirst) refuseOtherEncodings(memory.subarray(0, bytesRead));
      yield memory.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** A text of two or four bytes a character, or a packed file: line by line it would be rubbish. */
function refuseOtherEncodings(head: Buffer): void {
  if (head.length >= 2 && ((head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff)))
    throw new NotText("it is UTF-16, and a transcript is UTF-8");
  if (head.subarray(0, 512).includes(0)) throw new NotText("it is no text");
  if (head.length >= 2 && head[0] === 0x1f && head[1] === 0x8b) throw new NotText("it is packed (gzip)");
}

interface Place {
  readonly agentId: string;
  /** The session's id, where no line tells it. */
  readonly stem: string;
}

function placeOf(file: string, agentId: string): Place {
  const parts = path.resolve(file).split(path.sep);
  const stem = (parts.at(-1) ?? "").replace(/\.jsonl.*$/, "");
  const isPlaced = parts.at(-2) === "sessions" && parts.at(-4) === "agents";
  return { agentId: isPlaced ? (parts.at(-3) ?? agentId) : agentId, stem };
}

function importedCall(call: TranscriptCall, { agentId, stem }: Place): ImportedCall {
  const { sessionId, ...rest } = call;
  const name = `import-${(sessionId ?? stem).slice(0, 100) || "unnamed"}`;
  return {
    ...rest,
    sessionKey: formatSessionKey({ kind: "named", agentId, name }),
    agentId,
    channel: "import",
    senderId: "",
    estimated: false,
  };
}
