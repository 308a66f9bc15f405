/**
 * `$include`: one configuration out of several files. Lists are joined, objects merged, and what stands beside the
 * `$include` wins over what it brings. Files must lie in the folder of the configuration file (real paths count),
 * may not form a circle and may not nest deeper than a limit. Remembers which file each value came from.
 */
import { realpath, stat } from "node:fs/promises";
import path from "node:path";
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import { formatPath, isRecord, type KeyPath, type PathKey } from "../dot-path.ts";
import { readFileText } from "../text/file-text.ts";
import { lineOf, nodeAt, parseTree, type Tree } from "../text/json5-tree.ts";
import { readText } from "../text/read-text.ts";

export interface Composed {
  readonly value: unknown;
  /** Every file that was read, the configuration file first, with its text. */
  readonly files: ReadonlyMap<string, string>;
  /** Where the value at a path of `value` was written. */
  locate(keys: KeyPath): Place;
}

export interface Place {
  readonly file: string;
  readonly line: number | null;
}

/** Throws CFG_001 or CFG_002, each naming the file. */
export async function compose(file: string, text: string): Promise<Composed> {
  const entry = await realFile(file);
  const state: State = {
    root: path.dirname(entry),
    files: new Map([[file, text]]),
    origins: new WeakMap(),
    includes: 0,
  };
  const value = await resolve(readText(text, file), { file, real: entry, path: [], chain: [entry] }, state);
  const trees = new Map<string, Tree>();
  return { value, files: state.files, locate: (keys) => locate({ value, file, state, trees }, keys) };
}

interface Origin {
  readonly file: string;
  readonly path: KeyPath;
}

interface State {
  readonly root: string;
  readonly files: Map<string, string>;
  /** For each object and list of the result: where each of its entries was written. */
  readonly origins: WeakMap<object, Map<PathKey, Origin>>;
  includes: number;
}

/** Files that name each other twice would otherwise double the work at each level. */
const mostIncludes = 256;

interface Context {
  readonly file: string;
  readonly real: string;
  readonly path: KeyPath;
  /** Real paths of the files that are being read, outermost first. */
  readonly chain: readonly string[];
}

async function resolve(value: unknown, context: Context, state: State): Promise<unknown> {
  if (Array.isArray(value)) {
    const list = await Promise.all(value.map((element, index) => resolve(element, inside(context, index), state)));
    remember(state, list, context, list.keys());
    return list;
  }
  if (!isRecord(value)) return value;
  const { $include: included, ...own } = value;
  const resolved: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(own)) resolved[key] = await resolve(inner, inside(context, key), state);
  remember(state, resolved, context, Object.keys(resolved));
  if (included === undefined) return resolved;
  const base = await includeAll(included, context, state);
  if (Object.keys(own).length === 0) return base;
  if (!isRecord(base)) throw refused(context, "an $include with keys beside it must bring an object");
  return merge(base, resolved, state);
}

async function includeAll(included: unknown, context: Context, state: State): Promise<unknown> {
  const targets = Array.isArray(included) ? included : [included];
  if (targets.length === 0) return {};
  let merged: unknown;
  for (const [index, target] of targets.entries()) {
    if (typeof target !== "string" || target === "")
      throw refused(context, "$include takes a file name or a list of them");
    const value = await includeFile(target, context, state);
    merged = index === 0 ? value : merge(merged, value, state);
  }
  return merged;
}

async function includeFile(target: string, context: Context, state: State): Promise<unknown> {
  if (context.chain.length > limits.includeDepth)
    throw refused(context, `includes nest deeper than ${limits.includeDepth}`);
  state.includes += 1;
  if (state.includes > mostIncludes) throw refused(context, `there are more than ${mostIncludes} includes`);
  if (target.includes("\0")) throw refused(context, "the file name is not one");
  const named = path.resolve(path.dirname(context.real), target);
  // Asked before the disk is: an answer about a file outside would tell whether it exists.
  if (!within(state.root, named)) throw refused(context, `${target} lies outside the folder of the configuration`);
  const real = await realFile(named);
  if (!within(state.root, real)) throw refused(context, `${target} leads outside the folder of the configuration`);
  if (context.chain.includes(real)) throw refused(context, `${target} includes itself`);
  const text = await includedText(real, target, context);
  state.files.set(real, text);
  if ([...state.files.values()].reduce((sum, one) => sum + one.length, 0) > limits.configBytes) {
    throw refused(context, `the files together are larger than ${limits.configBytes} bytes`);
  }
  return resolve(readText(text, real), { file: real, real, path: [], chain: [...context.chain, real] }, state);
}

async function includedText(real: string, target: string, context: Context): Promise<string> {
  try {
    // A pipe or a device would never end.
    if (!(await stat(real)).isFile()) throw refused(context, `${target} is not a file`);
    return await readFileText(real);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw refused(context, `${target} cannot be read`, error);
  }
}

/** Lists are joined, objects merged, anything else is the later one. Origins go along. */
function merge(left: unknown, right: unknown, state: State): unknown {
  if (Array.isArray(left) && Array.isArray(right)) {
    const joined: unknown[] = [...left, ...right];
    const origins = new Map(state.origins.get(left));
    for (const [index, origin] of state.origins.get(right) ?? []) origins.set(Number(index) + left.length, origin);
    state.origins.set(joined, origins);
    return joined;
  }
  if (!isRecord(left) || !isRecord(right)) return right;
  const merged: Record<string, unknown> = { ...left };
  for (const [key, value] of Object.entries(right)) {
    merged[key] = Object.hasOwn(left, key) ? merge(left[key], value, state) : value;
  }
  state.origins.set(merged, new Map([...(state.origins.get(left) ?? []), ...(state.origins.get(right) ?? [])]));
  return merged;
}

function remember(state: State, container: object, context: Context, keys: Iterable<PathKey>): void {
  const origins = new Map<PathKey, Origin>();
  for (const key of keys) origins.set(key, { file: context.file, path: [...context.path, key] });
  state.origins.set(container, origins);
}

function locate(
  composed: { value: unknown; file: string; state: State; trees: Map<string, Tree> },
  keys: KeyPath,
): Place {
  let origin: Origin = { file: composed.file, path: [] };
  let { value } = composed;
  for (const key of keys) {
    if (typeof value !== "object" || value === null) break;
    const next = composed.state.origins.get(value)?.get(Array.isArray(value) ? Number(key) : String(key));
    if (next === undefined) break;
    origin = next;
    value = Array.isArray(value) ? value[Number(key)] : (value as Record<string, unknown>)[key];
  }
  return { file: origin.file, line: lineAt(composed, origin) };
}

function lineAt(composed: { state: State; trees: Map<string, Tree> }, origin: Origin): number | null {
  const text = composed.state.files.get(origin.file);
  if (text === undefined || text === "") return null;
  const tree = composed.trees.get(origin.file) ?? parseTree(text);
  composed.trees.set(origin.file, tree);
  return lineOf(text, nodeAt(tree, origin.path).start);
}

function inside(context: Context, key: PathKey): Context {
  return { ...context, path: [...context.path, key] };
}

function within(root: string, file: string): boolean {
  const relative = path.relative(root, file);
  return relative !== "" && !relative.startsWith(`..${path.sep}`) && relative !== ".." && !path.isAbsolute(relative);
}

/** A file that does not exist yet has its folder resolved, so that includes of a text not written so far are found. */
async function realFile(file: string): Promise<string> {
  try {
    return await realpath(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT")
      throw new AppError("CFG_002", `${file} cannot be opened.`, { cause: error });
    const folder = path.dirname(file);
    return folder === file ? file : path.join(await realFile(folder), path.basename(file));
  }
}

function refused(context: Context, reason: string, cause?: unknown): AppError {
  const at = context.path.length === 0 ? "" : ` at ${formatPath(context.path)}`;
  return new AppError("CFG_002", `$include in ${context.file}${at}: ${reason}.`, {
    details: { file: context.file },
    cause,
  });
}
