/**
 * Where local approvers meet the gateway: a folder, a token and a socket that nobody but their owner can reach. Refuses what
 * others could read or have put there, instead of mending it: somebody may have read it already.
 */
import { createHash } from "node:crypto";
import { lstat, mkdir, open, readFile, unlink } from "node:fs/promises";
import path from "node:path";
import { AppError } from "../../domain/app-error.ts";
import type { Ids } from "../../platform/ids.ts";

export interface PrivatePlace {
  /** Of the Unix socket, or the name of the pipe on Windows. */
  readonly address: string;
  readonly tokenFile: string;
  readonly folder: string;
  readonly isPipe: boolean;
}

/** Names alone; touches nothing. */
export function privatePlace(stateDir: string, platform: NodeJS.Platform): PrivatePlace {
  const folder = path.join(stateDir, "approvals");
  const tokenFile = path.join(folder, "token");
  if (platform !== "win32")
    return { folder, tokenFile, address: path.join(folder, "exec-approvals.sock"), isPipe: false };
  const name = createHash("sha256").update(stateDir).digest("hex").slice(0, 16);
  return { folder, tokenFile, address: `\\\\.\\pipe\\openclaw-approvals-${name}`, isPipe: true };
}

/** Unix keeps the path of a socket in a field of this size, its end included; the smallest of the systems in use. */
const longestSocketPath = 103;

const tokenBytes = 32;

/**
 * Makes the folder and the token where they are missing, takes away the socket of a gateway that is gone, and returns the
 * token. Throws CFG_007 for anything that is somebody else's, or open to others.
 */
export async function prepare(place: PrivatePlace, ids: Ids): Promise<string> {
  if (!place.isPipe && Buffer.byteLength(place.address) > longestSocketPath)
    throw new AppError("CFG_007", `The path ${place.address} is too long for a socket: use a shorter state directory.`);
  await mkdir(place.folder, { recursive: true, mode: 0o700 });
  await mustBePrivate(place.folder, "folder");
  const token = (await readToken(place)) ?? (await makeToken(place.tokenFile, ids));
  if (!place.isPipe && (await mustBePrivate(place.address, "socket"))) await unlink(place.address);
  return token;
}

/** Null where there is none. Throws CFG_007 as `prepare` does. */
export async function readToken({ tokenFile }: Pick<PrivatePlace, "tokenFile">): Promise<string | null> {
  if (!(await mustBePrivate(tokenFile, "file"))) return null;
  const token = (await readFile(tokenFile, "utf8")).trim();
  if (token.length < tokenBytes)
    throw new AppError("CFG_007", `${tokenFile} holds no token: delete it to get a new one.`);
  return token;
}

/** False where there is nothing. Throws CFG_007 where it is another kind of thing, somebody else's, or open to others. */
export async function mustBePrivate(where: string, kind: "folder" | "file" | "socket"): Promise<boolean> {
  const found = await lstat(where).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new AppError("CFG_007", `${where} cannot be looked at.`, { cause: error });
  });
  if (found === null) return false;
  const isKind = kind === "folder" ? found.isDirectory() : kind === "file" ? found.isFile() : found.isSocket();
  if (!isKind) throw new AppError("CFG_007", `${where} is no ${kind}: remove it.`);
  // Windows keeps no such modes; what is in a user's profile is that user's.
  if (process.getuid === undefined) return true;
  if (found.uid !== process.getuid())
    throw new AppError("CFG_007", `${where} belongs to another user: remove it, or give it to the gateway's user.`);
  if ((found.mode & 0o077) !== 0) {
    const mode = (found.mode & 0o777).toString(8).padStart(4, "0");
    const mend = kind === "folder" ? "chmod 700 it, and delete the token in it" : "delete it";
    throw new AppError("CFG_007", `Others can reach ${where} (mode ${mode}): ${mend}.`);
  }
  return true;
}

async function makeToken(tokenFile: string, ids: Ids): Promise<string> {
  const token = ids.token(tokenBytes);
  const file = await open(tokenFile, "wx", 0o600);
  try {
    // The mode given to open is narrowed by the umask; this one is exact.
    await file.chmod(0o600);
    await file.writeFile(`${token}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  return token;
}
