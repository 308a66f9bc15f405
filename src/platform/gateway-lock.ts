/**
 * One gateway per state directory. The lock is one that the system takes back when the process dies, however it dies:
 * an exclusive transaction on an empty database, which is a file lock on every system that we run on. Beside it lies
 * a note that says who holds it; the note is only for the message, the lock alone decides.
 *
 * Nothing in the process that holds the lock may open `gateway.lock`: closing any handle of it frees a POSIX lock.
 */
import { chmod, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { AppError } from "../domain/app-error.ts";
import { ensurePrivateDir, privateFileMode, readFileBounded, storageError, writeFileAtomic } from "./atomic-file.ts";
import type { Clock } from "./clock.ts";
import { isRunning, processIdentity, type ProcessIdentity } from "./process-identity.ts";

export interface GatewayOwner extends ProcessIdentity {
  readonly host: string;
  readonly startedMs: number;
}

/** Held for as long as this object is: whoever drops it without `release` gives the lock up at some later moment. */
export interface GatewayLock {
  readonly owner: GatewayOwner;
  /** Idempotent. */
  release(): Promise<void>;
}

export const lockFileName = "gateway.lock";
export const ownerFileName = "gateway.owner.json";

/**
 * Throws STORE_005 naming the holder's process where another gateway has it, STORE_001 where the folder cannot be
 * used. `waitMs` is how long it waits for a predecessor that is just leaving.
 */
export async function acquireGatewayLock(
  stateDir: string,
  options: { readonly clock: Clock; readonly waitMs?: number },
): Promise<GatewayLock> {
  const { clock } = options;
  await ensurePrivateDir(stateDir);
  const giveUpMs = clock.monotonicMs() + (options.waitMs ?? 0);
  let held = await tryLock(join(stateDir, lockFileName));
  while (held === null) {
    if (clock.monotonicMs() >= giveUpMs) throw await occupied(stateDir, clock);
    await clock.sleep(pollMs);
    held = await tryLock(join(stateDir, lockFileName));
  }
  try {
    const owner = { ...(await processIdentity(process.pid)), host: hostname(), startedMs: clock.nowMs() };
    await writeFileAtomic(join(stateDir, ownerFileName), JSON.stringify(owner));
    return { owner, release: releaser(held, join(stateDir, ownerFileName)) };
  } catch (error) {
    held.close();
    throw error;
  }
}

/** Who runs a gateway on this directory, as far as the note tells; null where nobody does. Takes no lock. */
export async function gatewayOwner(stateDir: string): Promise<GatewayOwner | null> {
  const note = await readFileBounded(join(stateDir, ownerFileName), 4_096);
  const owner = note === null ? null : parseOwner(note.toString("utf8"));
  return owner !== null && (await isRunning(owner)) ? owner : null;
}

const pollMs = 50;
/** How long the note of a holder that has just started may be missing. */
const noteMs = 1_000;

/** The open database that is the lock; null where somebody else has it. */
async function tryLock(path: string): Promise<DatabaseSync | null> {
  const { DatabaseSync: Database } = await import("node:sqlite");
  let database: DatabaseSync | undefined;
  try {
    database = new Database(path, { timeout: 0 });
    // By name, not by handle: see above.
    await chmod(path, privateFileMode);
    // Writes nothing, so the file stays empty; the lock lasts as long as the transaction is open.
    database.exec("BEGIN EXCLUSIVE");
    return database;
  } catch (error) {
    database?.close();
    if (isBusy(error)) return null;
    throw storageError(error, `The lock ${path} could not be taken`);
  }
}

function releaser(held: DatabaseSync, ownerPath: string): () => Promise<void> {
  let released = false;
  return async () => {
    if (released) return;
    released = true;
    // The note first: whoever gets the lock next writes its own, which this must not remove.
    await rm(ownerPath, { force: true });
    held.close();
  };
}

async function occupied(stateDir: string, clock: Clock): Promise<AppError> {
  const untilMs = clock.monotonicMs() + noteMs;
  let owner = await gatewayOwner(stateDir);
  while (owner === null && clock.monotonicMs() < untilMs) {
    await clock.sleep(pollMs);
    owner = await gatewayOwner(stateDir);
  }
  const who = owner === null ? "another process" : `process ${owner.pid} on ${owner.host}`;
  return new AppError("STORE_005", `The state directory ${stateDir} is in use by ${who}.`, {
    details: owner === null ? { stateDir } : { stateDir, pid: owner.pid, host: owner.host },
  });
}

function isBusy(error: unknown): boolean {
  // SQLITE_BUSY and SQLITE_LOCKED.
  return error instanceof Error && "errcode" in error && [5, 6].includes(Number(error.errcode) & 0xff);
}

function parseOwner(text: string): GatewayOwner | null {
  try {
    const { pid, startTicks, host, startedMs } = JSON.parse(text) as Partial<GatewayOwner>;
    if (typeof pid !== "number" || !Number.isSafeInteger(pid) || pid <= 0) return null;
    return {
      pid,
      startTicks: typeof startTicks === "string" ? startTicks : null,
      host: typeof host === "string" ? host : "an unknown host",
      startedMs: typeof startedMs === "number" ? startedMs : 0,
    };
  } catch (error) {
    // The note only serves the message: a broken one is the same as none.
    if (error instanceof SyntaxError || error instanceof TypeError) return null;
    throw error;
  }
}
