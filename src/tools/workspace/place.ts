/**
 * Where a path that a model wrote is: a place of the agent's workspace, or outside. The one door of every file tool, for
 * every path it is given. Relative paths begin at the workspace; absolute ones are taken where they lie in it.
 */
import { lstat, realpath } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";
import type { Act } from "../../domain/act.ts";
import { AppError } from "../../domain/app-error.ts";
import type { SafePath } from "../../domain/authority.ts";
import { SafeFolder } from "../../platform/safe-folder.ts";
import { isInside, resolveInside, resolveRoot } from "../../platform/safe-path.ts";
import { ensureWorkspace, unusableWorkspace } from "./ensure-workspace.ts";
import { visibleName } from "./visible-name.ts";

export interface Place {
  readonly safe: SafePath;
  /** From the workspace, as it was resolved; `.` for the workspace. For words and keys. */
  readonly name: string;
}

/**
 * The place in the workspace, which is made if it is missing. Throws SEC_007 where it is not in it, with words that the
 * model can go on by.
 */
export async function placeOf(path: string, workspace: string): Promise<Place> {
  await ensureWorkspace(workspace);
  try {
    const name = await nameInside(path, workspace);
    const safe = name === "" ? await resolveRoot(workspace) : await resolveInside(workspace, name);
    return { safe, name: relative(safe.root, safe.path) || "." };
  } catch (error) {
    throw error instanceof AppError && error.code === "SEC_007" ? refusal(path, workspace, error) : error;
  }
}

/** The same for a file: the workspace itself is none. */
export async function filePlaceOf(path: string, workspace: string): Promise<Place> {
  const place = await placeOf(path, workspace);
  if (place.name === ".") throw new AppError("RUN_003", "The path names the workspace itself, not a file in it.");
  return place;
}

/**
 * The folder that holds a file, open, and the file's name in it. The caller closes the folder. `made`: folders that are
 * missing are made, and put on this list.
 */
export async function folderOf(
  { safe, name }: Place,
  options: { readonly made?: string[] } = {},
): Promise<{ folder: SafeFolder; leaf: string }> {
  return { folder: await SafeFolder.open(await holderOf(safe.root, name), options), leaf: basename(safe.path) };
}

/** Takes away the folders that were made for a file that was not written, as far as they are empty. Never throws. */
export async function unmake({ safe }: Place, made: readonly string[]): Promise<void> {
  for (const path of made.toReversed()) {
    try {
      const folder = await SafeFolder.open(await holderOf(safe.root, relative(safe.root, path)));
      try {
        await folder.removeEmptyChild(basename(path));
      } finally {
        await folder.close();
      }
    } catch {
      // Somebody else took it, or put something there: it is theirs now.
      return;
    }
  }
}

async function holderOf(root: string, name: string): Promise<SafePath> {
  const parent = dirname(name);
  return parent === "." ? resolveRoot(root) : resolveInside(root, parent);
}

/**
 * What a file tool is about to do, of the paths it was given: of the first that is outside, else of the first. Makes and
 * changes nothing. Throws SEC_007 for what is no path anywhere.
 */
export async function fileAct(paths: readonly string[], access: "read" | "write", workspace: string): Promise<Act> {
  const acts = await Promise.all(paths.map((path) => actOf(path, access, workspace)));
  return acts.find((act) => !act.inside) ?? acts[0] ?? { kind: "look" };
}

async function actOf(
  path: string,
  access: "read" | "write",
  workspace: string,
): Promise<Extract<Act, { kind: "file" }>> {
  if (controlCharacter.test(path)) throw refusal(path, workspace);
  const name = await nameInside(path, workspace).catch(() => null);
  if (name === null) return { kind: "file", path: resolve(workspace, path), access, inside: false };
  const isThere = await lstat(workspace).then(
    () => true,
    () => false,
  );
  // Before the first use there is no link in it that could lead elsewhere.
  if (!isThere) return { kind: "file", path: join(workspace, name), access, inside: !hasDots(name) };
  try {
    const { path: resolved } = name === "" ? await resolveRoot(workspace) : await resolveInside(workspace, name);
    return { kind: "file", path: resolved, access, inside: true };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    if (error.code !== "SEC_007") throw error.code === "STORE_001" ? unusableWorkspace(error) : error;
    return { kind: "file", path: resolve(workspace, name), access, inside: false };
  }
}

/** Relative to the workspace, `""` for itself; whether it stays in it is not asked yet. */
async function nameInside(path: string, workspace: string): Promise<string> {
  const plain = path.trim() === "" ? "." : path;
  if (!isAbsolute(plain)) return namesItself(plain) ? "" : plain;
  if (hasDots(plain) || controlCharacter.test(plain)) throw refusal(path, workspace);
  for (const root of [resolve(workspace), await realpath(workspace).catch(() => resolve(workspace))]) {
    if (isInside(root, plain)) return relative(root, plain);
  }
  throw refusal(path, workspace);
}

function namesItself(path: string): boolean {
  return path.split("/").every((segment) => segment === "" || segment === ".");
}

function hasDots(path: string): boolean {
  return path.split("/").some((segment) => segment.trim() === "..");
}

function refusal(path: string, workspace: string, cause?: AppError): AppError {
  const why = cause === undefined ? "" : ` ${cause.message}`;
  return new AppError(
    "SEC_007",
    `Only files of the workspace can be opened, and ${visibleName(path)} is not one.${why} Use a path relative to ${workspace}, without "..".`,
    cause === undefined ? {} : { cause },
  );
}

const controlCharacter = /[\u0000-\u001f\u007f]/;
