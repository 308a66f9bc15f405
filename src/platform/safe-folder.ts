/**
 * An open folder below a root, reached without following a link. Whatever is done in it is done below its descriptor, so
 * that nobody who exchanges a folder for a link meanwhile leads it astray. Knows nothing of what the files are for.
 */
import { randomBytes } from "node:crypto";
import { constants, type Dirent, type Stats } from "node:fs";
import {
  lstat,
  mkdir,
  open,
  opendir,
  realpath,
  rename,
  rmdir,
  statfs,
  unlink,
  type FileHandle,
} from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { AppError } from "../domain/app-error.ts";
import type { SafePath } from "../domain/authority.ts";
import { isErrno, privateDirMode, privateFileMode } from "./atomic-file.ts";

export interface ReplaceOptions {
  /** Permission bits of the file. */
  readonly mode: number;
  /** Runs when the new content is durable, right before it takes the name; throws where it must not. */
  readonly beforeRename?: () => Promise<void>;
}

/** Nothing here turns an error of the system into words: callers see ENOENT, ENOSPC and the like, or SEC_007. */
export class SafeFolder {
  readonly #handle: FileHandle;
  /** Where it was when it was opened: absolute, without links. For words; what is done goes by the descriptor. */
  readonly path: string;

  private constructor(handle: FileHandle, path: string) {
    this.#handle = handle;
    this.path = path;
  }

  /**
   * The caller closes it. `made`: what is missing is made, for its owner alone, and its path put on the list. Throws SEC_007 where a
   * link or a file stands in the way.
   */
  static async open(safe: SafePath, options: { readonly made?: string[] } = {}): Promise<SafeFolder> {
    let folder = new SafeFolder(await open(safe.root, directoryFlags), safe.root);
    for (const segment of relative(safe.root, safe.path).split(sep)) {
      if (segment === "") continue;
      const parent: SafeFolder = folder;
      try {
        folder = await (options.made === undefined ? parent.child(segment) : parent.#madeChild(segment, options.made));
      } finally {
        await parent.close();
      }
    }
    return folder;
  }

  /** A folder in it, which the caller closes. */
  async child(name: string): Promise<SafeFolder> {
    const path = join(this.path, name);
    try {
      const handle = await open(await this.#below(name), directoryFlags);
      return new SafeFolder(handle, path);
    } catch (error) {
      if (isErrno(error, "ELOOP", "ENOTDIR", "EMLINK")) {
        throw new AppError("SEC_007", `${JSON.stringify(path)} is a link or no folder.`, { cause: error });
      }
      throw error;
    }
  }

  /** What is in it, unsorted, as it is read. */
  async *entries(): AsyncGenerator<Dirent> {
    yield* await opendir(await this.#self());
  }

  /** Of the entry itself, links not followed; null where there is none. */
  async inspect(name: string): Promise<Stats | null> {
    try {
      return await lstat(await this.#below(name));
    } catch (error) {
      if (isErrno(error, "ENOENT")) return null;
      throw error;
    }
  }

  /** For reading. A link is refused, a pipe not waited for; the caller looks at what it got, and closes it. */
  async openFile(name: string): Promise<FileHandle> {
    const flags = constants.O_RDONLY | noFollow | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);
    return open(await this.#below(name), flags);
  }

  /**
   * The file has all of the content or is as it was. Written beside its place under a name of ours, forced to disk and
   * renamed; a link at `name` is replaced, not followed. Durable when it resolves.
   */
  async replace(name: string, data: Uint8Array, options: ReplaceOptions): Promise<void> {
    const place = await this.#below(name);
    const temporary = await this.#below(`${temporaryStart}${randomBytes(8).toString("hex")}${temporaryEnd}`);
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | noFollow;
    const handle = await open(temporary, flags, privateFileMode);
    try {
      try {
        await handle.chmod(options.mode);
        await handle.writeFile(data);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await options.beforeRename?.();
      await rename(temporary, place);
    } catch (error) {
      await unlink(temporary).catch(() => "it was never made, or the folder takes nothing any more");
      throw error;
    }
    await this.#sync();
  }

  /** Removes a file or a link; nothing happens where there is none. */
  async remove(name: string): Promise<void> {
    try {
      await unlink(await this.#below(name));
    } catch (error) {
      if (isErrno(error, "ENOENT")) return;
      throw error;
    }
    await this.#sync();
  }

  /** Removes a folder in it if it is empty; true where it did. */
  async removeEmptyChild(name: string): Promise<boolean> {
    return rmdir(await this.#below(name)).then(
      () => true,
      () => false,
    );
  }

  /** Bytes that an ordinary user may still write on its disk; infinite where the disk does not say. */
  async freeBytes(): Promise<number> {
    const { bavail, blocks, bsize } = await statfs(await this.#self());
    return blocks === 0 ? Infinity : bavail * bsize;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  async #madeChild(name: string, made: string[]): Promise<SafeFolder> {
    try {
      await mkdir(await this.#below(name), { mode: privateDirMode });
      made.push(join(this.path, name));
    } catch (error) {
      if (!isErrno(error, "EEXIST")) throw error;
    }
    return this.child(name);
  }

  /** A name that could be more than a name never gets here from `SafePath`; it is checked again because it decides where we write. */
  async #below(name: string): Promise<string> {
    if (name === "" || name === "." || name === ".." || name.includes("/") || name.includes("\0")) {
      throw new AppError("SEC_007", `${JSON.stringify(name)} is not the name of a file.`);
    }
    return join(await this.#self(), name);
  }

  /** On Linux the open folder itself, wherever it was moved; elsewhere its path, as long as that is still this folder. */
  async #self(): Promise<string> {
    if (process.platform === "linux") return `/proc/self/fd/${this.#handle.fd}`;
    const [opened, named, real] = await Promise.all([this.#handle.stat(), lstat(this.path), realpath(this.path)]);
    if (opened.ino === named.ino && opened.dev === named.dev && real === this.path) return this.path;
    throw new AppError("SEC_007", `${JSON.stringify(this.path)} was exchanged while it was open.`);
  }

  async #sync(): Promise<void> {
    try {
      await this.#handle.sync();
    } catch (error) {
      // Some systems cannot sync a folder; there the file's own sync must do.
      if (!isErrno(error, "EISDIR", "EPERM", "EACCES", "EINVAL", "ENOTSUP", "EBADF")) throw error;
    }
  }
}

/** Whether a name is one of ours for a file that is being written, or was when the process died. */
export function isTemporaryName(name: string): boolean {
  return name.startsWith(temporaryStart) && name.endsWith(temporaryEnd);
}

const temporaryStart = ".openclaw-";
const temporaryEnd = ".tmp";
const noFollow = constants.O_NOFOLLOW ?? 0;
const directoryFlags = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) | noFollow;
