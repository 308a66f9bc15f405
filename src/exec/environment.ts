/**
 * What a command finds in its environment: what is on a list, and nothing else. Whoever lists what is dangerous forgets
 * some of it, and most variables that can make a program run something have never been written down in one place.
 */
import { lstat } from "node:fs/promises";
import path from "node:path";
import { isInside } from "../platform/safe-path.ts";

export type Variables = Readonly<Record<string, string>>;

export interface CommandEnvironment {
  readonly env: Readonly<Record<string, string>>;
  /** Names that the call wanted to add and that are not passed on. */
  readonly dropped: readonly string[];
}

/** `searchPath` is made by `cleanSearchPath`: PATH is never taken as it comes. */
export function commandEnvironment(host: Variables, added: Variables, searchPath: string): CommandEnvironment {
  const env: Record<string, string> = { PATH: searchPath };
  for (const [name, shape] of Object.entries({ ...fromHost, ...fromAnybody })) {
    const value = host[name];
    if (value !== undefined && shape.test(value)) env[name] = value;
  }
  const dropped: string[] = [];
  for (const [name, value] of Object.entries(added)) {
    const shape = Object.hasOwn(fromAnybody, name) ? fromAnybody[name] : undefined;
    if (shape?.test(value) === true) env[name] = value;
    else dropped.push(name);
  }
  return { env: sorted(env), dropped };
}

/** Whether nothing is in it that `commandEnvironment` could not have put there. */
export function isCommandEnvironment(env: Variables): boolean {
  return Object.entries(env).every(([name, value]) => {
    if (name === "PATH") return true;
    const shapes = { ...fromHost, ...fromAnybody };
    return Object.hasOwn(shapes, name) && shapes[name]?.test(value) === true;
  });
}

/**
 * The folders of PATH in which programs are looked for: absolute ones that nobody but their owner can write to and that do
 * not lie where the assistant works. The system's own stand behind them.
 */
export async function cleanSearchPath(hostPath: string, writableRoots: readonly string[]): Promise<string> {
  const named = [...hostPath.split(path.delimiter), ...systemFolders].filter(
    (folder) => path.isAbsolute(folder) && isPlainText(folder),
  );
  const folders = [...new Set(named.map((folder) => path.normalize(folder).replace(/(?<=.)\/+$/, "")))];
  const kept = await Promise.all(
    folders.map(async (folder) => !writableRoots.some((root) => isInside(root, folder)) && (await isClosed(folder))),
  );
  return folders.filter((_, index) => kept[index] === true).join(path.delimiter);
}

/** A link is judged by where programs in it are found; a folder by who may put one there. */
async function isClosed(folder: string): Promise<boolean> {
  const found = await lstat(folder).catch(() => null);
  if (found === null) return false;
  if (found.isSymbolicLink()) return true;
  return found.isDirectory() && (process.platform === "win32" || (found.mode & 0o022) === 0);
}

function isPlainText(text: string): boolean {
  return !/[\p{Cc}\p{Cf}]/u.test(text);
}

function sorted(env: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).toSorted(([left], [right]) => (left < right ? -1 : 1)));
}

const systemFolders = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin"];

const localeName = /^[A-Za-z0-9_.@-]{0,64}$/;
const folder = /^\/[^\p{Cc}\p{Cf}:;]{0,1023}$/u;
const account = /^[A-Za-z0-9_.@-]{1,64}$/;

/**
 * Says where a person's own settings lie, so it is the host's to say: with another home, git and many others would read
 * their settings, and the programs these name, from wherever a command likes.
 */
const fromHost: Readonly<Record<string, RegExp>> = {
  HOME: folder,
  USER: account,
  LOGNAME: account,
  TMPDIR: folder,
  // Without these, no program starts on Windows.
  SYSTEMROOT: /^[A-Za-z]:\\[A-Za-z0-9_. \\-]{1,100}$/,
  WINDIR: /^[A-Za-z]:\\[A-Za-z0-9_. \\-]{1,100}$/,
};

/** Changes how something is written, never what is run. */
const fromAnybody: Readonly<Record<string, RegExp>> = {
  LANG: localeName,
  LANGUAGE: /^[A-Za-z0-9_.@:-]{0,128}$/,
  LC_ALL: localeName,
  LC_ADDRESS: localeName,
  LC_COLLATE: localeName,
  LC_CTYPE: localeName,
  LC_IDENTIFICATION: localeName,
  LC_MEASUREMENT: localeName,
  LC_MESSAGES: localeName,
  LC_MONETARY: localeName,
  LC_NAME: localeName,
  LC_NUMERIC: localeName,
  LC_PAPER: localeName,
  LC_TELEPHONE: localeName,
  LC_TIME: localeName,
  // No colon in front and no way up: a zone can be the name of a file.
  TZ: /^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9_+,./-]{0,63}$/,
  TERM: /^[A-Za-z0-9][A-Za-z0-9+._-]{0,31}$/,
  COLORTERM: /^[a-z0-9]{0,16}$/,
  COLUMNS: /^\d{1,4}$/,
  LINES: /^\d{1,4}$/,
  NO_COLOR: /^\w{0,8}$/,
  FORCE_COLOR: /^\w{0,8}$/,
  CI: /^\w{0,8}$/,
  NODE_ENV: /^[a-z]{1,16}$/,
  SOURCE_DATE_EPOCH: /^\d{1,12}$/,
};
