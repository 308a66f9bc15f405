/** A file's text, exactly: UTF-8 or nothing, since a guess at another encoding would be written back as damage. */
import { readFile } from "node:fs/promises";
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";

/** Throws what the disk says, or CFG_001 for what is no text of ours. */
export async function readFileText(file: string): Promise<string> {
  const bytes = await readFile(file);
  if (bytes.length > limits.configBytes) {
    throw new AppError("CFG_001", `${file} is larger than ${limits.configBytes} bytes.`, { details: { file } });
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new AppError("CFG_001", `${file} is not UTF-8 text.`, { details: { file }, cause: error });
  }
}
