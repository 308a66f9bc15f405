/**
 * The file that holds the gateway's token when no other is configured. Written once, for its owner alone; the CLI of
 * the same user reads it. Refuses a file that holds no usable token instead of running open.
 */
import { chmod, link, mkdir, open, readFile, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AppError } from "../../domain/app-error.ts";
import type { Ids } from "../../platform/ids.ts";
import { secretFault } from "./secret-fault.ts";

const tokenBytes = 32;
const ownerOnly = 0o600;

export function tokenFilePath(stateDir: string): string {
  return join(stateDir, "gateway.token");
}

/** The token of the file, made on first use. Throws CFG_004 where the file holds nothing usable. */
export async function ensureTokenFile(stateDir: string, ids: Ids): Promise<string> {
  const path = tokenFilePath(stateDir);
  return (await readTokenFile(stateDir)) ?? (await createTokenFile(path, stateDir, ids));
}

/** Null where there is no file. A file that others could read is closed to them again. */
export async function readTokenFile(stateDir: string): Promise<string | null> {
  const path = tokenFilePath(stateDir);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (isCode(error, "ENOENT")) return null;
    throw new AppError("CFG_007", `The token file ${path} cannot be read.`, { cause: error });
  }
  const token = text.trim();
  const fault = secretFault(token);
  if (fault !== null) throw new AppError("CFG_004", `The token file ${path} ${fault}; delete it to get a new one.`);
  await closeToOthers(path);
  return token;
}

/** Filled under another name first: nobody ever reads a token that is not complete, and the first to finish wins. */
async function createTokenFile(path: string, stateDir: string, ids: Ids): Promise<string> {
  const token = ids.token(tokenBytes);
  const draft = `${path}.${ids.hex(8)}`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeDraft(draft, `${token}\n`);
    try {
      await link(draft, path);
    } finally {
      await unlink(draft);
    }
    return token;
  } catch (error) {
    const existing = isCode(error, "EEXIST") ? await readTokenFile(stateDir) : null;
    if (existing !== null) return existing;
    throw new AppError("CFG_007", `The token file ${path} cannot be written.`, { cause: error });
  }
}

async function writeDraft(draft: string, text: string): Promise<void> {
  const file = await open(draft, "wx", ownerOnly);
  try {
    // The mode given to open is narrowed by the umask; this one is exact.
    await file.chmod(ownerOnly);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function closeToOthers(path: string): Promise<void> {
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) await chmod(path, ownerOnly);
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
