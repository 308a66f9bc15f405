/**
 * Unpacks a pack's zip file into an empty folder, within its limits and nowhere else. What it holds decides no place: every
 * name is checked before anything is written, a link is written as the text that it is.
 */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { Unzip, UnzipInflate, type UnzipFile } from "fflate";
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import { ensurePrivateDir, privateFileMode } from "../platform/atomic-file.ts";
import { resolveInside } from "../platform/safe-path.ts";

/** Throws RPC_003 for what is no zip file or has a name that leads elsewhere, MSG_003 where a limit is passed. */
export async function unpackPack(zip: Uint8Array, folder: string): Promise<void> {
  const files = await readEntries(zip);
  const taken = new Set<string>();
  for (const { name, bytes } of files) {
    const place = await resolveInside(folder, name).catch((cause: unknown) => {
      throw new AppError(
        "RPC_003",
        `The pack has a file whose name leads elsewhere: ${JSON.stringify(name.slice(0, 100))}.`,
        { cause },
      );
    });
    // Two names that some file systems take for one.
    const folded = name.normalize("NFC").toLowerCase();
    if (taken.has(folded)) throw new AppError("RPC_003", `The pack has ${JSON.stringify(name)} twice.`);
    taken.add(folded);
    await ensurePrivateDir(path.dirname(place.path));
    await writeFile(place.path, bytes, { mode: privateFileMode, flag: "wx" }).catch((cause: unknown) => {
      throw new AppError("RPC_003", `${JSON.stringify(name)} could not be unpacked.`, { cause });
    });
  }
}

interface Entry {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** In slices, so that nobody waits for a large one; counted as they grow, whatever their heads claim. */
async function readEntries(zip: Uint8Array): Promise<readonly Entry[]> {
  const reading = new EntryReader();
  try {
    for (let at = 0; at < zip.length; at += sliceBytes) {
      reading.push(zip.subarray(at, at + sliceBytes), at + sliceBytes >= zip.length);
      await new Promise((resolve) => setImmediate(resolve));
    }
  } catch (cause) {
    throw cause instanceof AppError
      ? cause
      : new AppError("RPC_003", "This is no zip file that can be read.", { cause });
  }
  return reading.entries();
}

const sliceBytes = 16 * 1024;

class EntryReader {
  readonly #unzip = new Unzip((file) => this.#begin(file));
  readonly #entries: Entry[] = [];
  #open = 0;
  #seen = 0;
  #total = 0;

  constructor() {
    this.#unzip.register(UnzipInflate);
  }

  push(slice: Uint8Array, final: boolean): void {
    this.#unzip.push(slice, final);
  }

  entries(): readonly Entry[] {
    if (this.#seen === 0 || this.#open > 0) throw new AppError("RPC_003", "This is no zip file that can be read.");
    return this.#entries;
  }

  #begin(file: UnzipFile): void {
    this.#seen += 1;
    if (this.#seen > limits.packFiles) throw new AppError("MSG_003", `A pack may have ${limits.packFiles} files.`);
    if (file.name.endsWith("/")) return;
    const pieces: Uint8Array[] = [];
    this.#open += 1;
    file.ondata = (error, bytes, final) => {
      if (error !== null) throw error;
      this.#total += bytes.length;
      if (this.#total > limits.packUnpackedBytes)
        throw new AppError("MSG_003", `A pack may unpack to ${limits.packUnpackedBytes} bytes.`);
      pieces.push(bytes);
      if (!final) return;
      this.#open -= 1;
      this.#entries.push({ name: file.name, bytes: Buffer.concat(pieces) });
    };
    file.start();
  }
}
