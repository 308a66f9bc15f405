/** Carries out what a patch makes of several files: all of it, or everything is put back. Judges nothing. */
import type { Stats } from "node:fs";
import { AppError } from "../../domain/app-error.ts";
import { fileFailure } from "../workspace/failure.ts";
import { refuseChanged, replaceOrdinary } from "../workspace/ordinary-file.ts";
import { folderOf, unmake, type Place } from "../workspace/place.ts";
import { visibleName } from "../workspace/visible-name.ts";

export interface Change {
  readonly place: Place;
  /** The file and its content as they were read; null where there is none. */
  readonly before: { readonly stats: Stats; readonly data: Buffer } | null;
  /** Null: it is removed. */
  readonly after: Buffer | null;
  /** Permission bits of a new file, where they come from another. */
  readonly mode?: number;
}

/** In the order given. Throws RUN_003 or SEC_007 of the one that failed; those before it are as they were then. */
export async function carryOut(changes: readonly Change[], signal: AbortSignal): Promise<void> {
  const done: Done[] = [];
  for (const change of changes) {
    const made: string[] = [];
    try {
      signal.throwIfAborted();
      await doOne(change, made, signal);
      done.push({ change, made });
    } catch (thrown) {
      await unmake(change.place, made);
      const left = await putBack(done);
      const failure = fileFailure(thrown, change.place.name);
      const words = left.length === 0 ? "Nothing was changed." : `These could not be put back: ${left.join(", ")}.`;
      throw new AppError(failure.code, `The patch was not applied: ${failure.message} ${words}`, { cause: thrown });
    }
  }
}

interface Done {
  readonly change: Change;
  readonly made: readonly string[];
}

async function doOne({ place, before, after, mode }: Change, made: string[], signal: AbortSignal): Promise<void> {
  const { folder, leaf } = await folderOf(place, { made });
  try {
    const was = before?.stats ?? null;
    if (after !== null) {
      await replaceOrdinary(folder, leaf, {
        name: place.name,
        data: after,
        was,
        signal,
        ...(mode === undefined ? {} : { mode }),
      });
      return;
    }
    await refuseChanged(folder, leaf, { name: place.name, was });
    await folder.remove(leaf);
  } finally {
    await folder.close();
  }
}

/** Backwards. Returns the names of those that could not be put back. */
async function putBack(done: readonly Done[]): Promise<readonly string[]> {
  const left: string[] = [];
  for (const { change, made } of done.toReversed()) {
    try {
      await putOneBack(change);
      await unmake(change.place, made);
    } catch {
      // Told to the model by name: there is nobody else to tell, and the others are still to be put back.
      left.push(visibleName(change.place.name));
    }
  }
  return left;
}

async function putOneBack({ place, before }: Change): Promise<void> {
  const { folder, leaf } = await folderOf(place, { made: [] });
  try {
    // The disk may be full by now: what is put back needs no reserve.
    if (before === null) await folder.remove(leaf);
    else await folder.replace(leaf, before.data, { mode: before.stats.mode & 0o777 });
  } finally {
    await folder.close();
  }
}
