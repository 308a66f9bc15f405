/**
 * The master key as a file beside the vault, for its owner alone: the default where nobody types a passphrase and no
 * keychain runs. It keeps the vault closed to whoever gets hold of the vault's file, a backup or the configuration
 * without it; not to whoever may read the whole folder as its owner.
 */
import { rm, stat } from "node:fs/promises";
import { AppError } from "../../domain/app-error.ts";
import { isErrno, readFileBounded, writeFileAtomic } from "../../platform/atomic-file.ts";
import { freshBytes, keyBytes } from "../../platform/sealing.ts";
import type { KeySource } from "./contract.ts";
import { readKeys, writeKeys } from "./key-text.ts";

/** The folder must be there when a key is made. */
export function keyFileSource(file: string): KeySource {
  async function keys(): Promise<readonly Buffer[]> {
    await refuseOpenToOthers(file);
    const text = await readFileBounded(file, largestFileBytes).catch((error: unknown) => {
      throw new AppError("VAULT_001", `The key file ${file} cannot be read.`, { cause: error });
    });
    if (text === null) return [];
    return readKeys(text.toString("utf8"), file);
  }

  return {
    id: "file",
    trouble: () => Promise.resolve(null),
    keys,
    async create() {
      const key = freshBytes(keyBytes);
      // The old one stays until the vault is sealed with the new one: a death in between costs nothing.
      await write(file, [...(await keys()), key]);
      return { key, derivation: null };
    },
    async keepOnly(key) {
      if (key === null) await rm(file, { force: true });
      else await write(file, [key]);
    },
  };
}

const largestFileBytes = 4_096;

async function write(file: string, keys: readonly Buffer[]): Promise<void> {
  await writeFileAtomic(file, writeKeys(keys));
}

/** A key that others could have read is none: whoever mends the mode decides whether to trust it still. */
async function refuseOpenToOthers(file: string): Promise<void> {
  if (process.platform === "win32") return;
  try {
    const { mode } = await stat(file);
    if ((mode & 0o077) === 0) return;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return;
    throw new AppError("VAULT_001", `The key file ${file} cannot be looked at.`, { cause: error });
  }
  throw new AppError("VAULT_001", `The key file ${file} can be read by others. Close it: chmod 600 ${file}`, {
    details: { file, remedy: `chmod 600 ${file}` },
  });
}
