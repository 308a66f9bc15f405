/**
 * The only maker of `SafePath`: a name from outside becomes a path inside its root, or SEC_007. It refuses by shape
 * first (absolute, `..`, `~`, NUL, backslash) and then follows every link that exists, because a name is innocent and
 * what it points to may not be.
 */
import { constants } from "node:fs";
import { lstat, open, realpath, type FileHandle } from "node:fs/promises";
import { isAbsolute, join, relative, sep } from "node:path";
import { AppError } from "../domain/app-error.ts";
import type { SafePath } from "../domain/authority.ts";
import { mintSafePath } from "../domain/authority-mint.ts";
import { isErrno, storageError } from "./atomic-file.ts";

/**
 * The place of `name` below `root`, which must exist; the place itself need not. The path returned has no links in it
 * as of now. Whoever opens it where others may write in between uses `openInside`.
 * Throws SEC_007 where the name leaves the root or could, STORE_001 where the root cannot be read.
 */
export async function resolveInside(root: string, name: string): Promise<SafePath> {
  const segments = innocentSegments(name);
  const realRoot = await realRootOf(root);
  let path = realRoot;
  for (const [index, segment] of segments.entries()) {
    const next = join(path, segment);
    const found = await inspect(next);
    // From the first part that does not exist on, there is nothing that could lead elsewhere.
    if (found === "missing") return mintSafePath({ path: join(path, ...segments.slice(index)), root: realRoot });
    path = found === "link" ? await followInside(realRoot, next, name) : next;
  }
  return mintSafePath({ path, root: realRoot });
}

/** The root itself, with the links on the way to it followed: it is the operator's. Throws STORE_001 where it cannot be read. */
export async function resolveRoot(root: string): Promise<SafePath> {
  const path = await realRootOf(root);
  return mintSafePath({ path, root: path });
}

/**
 * Opens a safe path so that nobody who swaps a folder for a link meanwhile can lead it astray: on Linux each folder is
 * opened without following links and the next is looked up in it; elsewhere the opened file is compared with its path.
 * `flags` as in `fs.constants`. Throws SEC_007 where a link stands in the way, else what opening throws.
 */
export async function openInside(safe: SafePath, flags: number, mode: number = 0o600): Promise<FileHandle> {
  const segments = relative(safe.root, safe.path).split(sep);
  try {
    return process.platform === "linux"
      ? await openBelow(safe.root, segments, flags, mode)
      : await openAndCompare(safe, flags, mode);
  } catch (error) {
    // ELOOP: the last part is a link. ENOTDIR: a folder became a link or a file.
    if (isErrno(error, "ELOOP", "ENOTDIR", "EMLINK")) throw refusal(safe.path, "became a link", error);
    throw error;
  }
}

/** Whether a real path lies in a real folder: `/a/foobar` is not in `/a/foo`. */
export function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way === "" || (!isAbsolute(way) && way !== ".." && !way.startsWith(`..${sep}`));
}

function realRootOf(root: string): Promise<string> {
  return realpath(root).catch((error: unknown) => {
    throw storageError(error, `The folder ${root} cannot be read`);
  });
}

const longestNameChars = 1_024;

function innocentSegments(name: string): readonly string[] {
  // oxlint-disable-next-line eslint/no-control-regex -- NUL and line breaks are what it refuses.
  if (/[\u0000-\u001f\u007f]/.test(name)) throw refusal(name, "has a control character");
  if (name === "" || name.length > longestNameChars) throw refusal(name, "is empty or too long");
  if (name.includes("\\")) throw refusal(name, "has a backslash, which some systems take for a separator");
  if (isAbsolute(name) || /^[a-z]:/i.test(name)) throw refusal(name, "is absolute");
  if (name.startsWith("~")) throw refusal(name, "begins with a tilde");
  const segments = name.split("/").filter((segment) => segment !== "" && segment !== ".");
  // Also where it would come back in: no honest name needs it.
  if (segments.some((segment) => segment === ".." || segment.trim() === "..")) throw refusal(name, "has a ..");
  if (segments.length === 0) throw refusal(name, "names the folder itself");
  return segments;
}

async function inspect(path: string): Promise<"missing" | "link" | "plain"> {
  try {
    return (await lstat(path)).isSymbolicLink() ? "link" : "plain";
  } catch (error) {
    if (isErrno(error, "ENOENT")) return "missing";
    if (isErrno(error, "ENOTDIR", "ENAMETOOLONG", "ELOOP"))
      throw refusal(path, "goes through something that is no folder", error);
    throw storageError(error, `${path} cannot be read`);
  }
}

/** The real place of a link, which may be a chain of them; one that leads nowhere could be made to lead anywhere. */
async function followInside(root: string, link: string, name: string): Promise<string> {
  let target: string;
  try {
    target = await realpath(link);
  } catch (error) {
    throw refusal(name, "is a link that leads nowhere", error);
  }
  if (!isInside(root, target)) throw refusal(name, "is a link that leads outside");
  return target;
}

/** Each folder is opened as itself and the next name looked up in the open folder, as openat(2) would. */
async function openBelow(root: string, segments: readonly string[], flags: number, mode: number): Promise<FileHandle> {
  const directoryFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
  let folder = await open(root, directoryFlags);
  try {
    for (const segment of segments.slice(0, -1)) {
      const next = await open(`/proc/self/fd/${folder.fd}/${segment}`, directoryFlags);
      await folder.close();
      folder = next;
    }
    const leaf = segments.at(-1) ?? ".";
    return await open(`/proc/self/fd/${folder.fd}/${leaf}`, flags | constants.O_NOFOLLOW, mode);
  } finally {
    await folder.close();
  }
}

async function openAndCompare(safe: SafePath, flags: number, mode: number): Promise<FileHandle> {
  const handle = await open(safe.path, flags | (constants.O_NOFOLLOW ?? 0), mode);
  const [opened, real] = await Promise.all([handle.stat(), realpath(safe.path)]);
  const named = await lstat(real);
  if (isInside(safe.root, real) && named.ino === opened.ino && named.dev === opened.dev) return handle;
  await handle.close();
  throw refusal(safe.path, "was exchanged while it was opened");
}

function refusal(name: string, why: string, cause?: unknown): AppError {
  return new AppError(
    "SEC_007",
    `The path ${JSON.stringify(name.slice(0, 200))} ${why}.`,
    cause === undefined ? {} : { cause },
  );
}
