/** What a server's program finds in its environment: where programs and its home are, the locale, and what is configured. */
import path from "node:path";

const inherited: readonly string[] = ["HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"];
/** Without these nothing starts on Windows. */
const inheritedOnWindows: readonly string[] = [
  "SYSTEMROOT",
  "SYSTEMDRIVE",
  "USERPROFILE",
  "APPDATA",
  "LOCALAPPDATA",
  "TEMP",
  "TMP",
  "PATHEXT",
];

/** Folders of PATH that are not absolute are left out: a program found in the current folder is nobody's choice. */
export function serverEnvironment(
  host: Readonly<Record<string, string | undefined>>,
  configured: Readonly<Record<string, string>>,
): Record<string, string> {
  const env: Record<string, string> = {};
  const names = process.platform === "win32" ? [...inherited, ...inheritedOnWindows] : inherited;
  for (const name of names) {
    const value = host[name];
    // A function exported by bash: its words are run by the next one.
    if (value !== undefined && !value.startsWith("()")) env[name] = value;
  }
  const folders = (host["PATH"] ?? "").split(path.delimiter).filter((folder) => path.isAbsolute(folder));
  env["PATH"] = folders.length > 0 ? folders.join(path.delimiter) : "/usr/local/bin:/usr/bin:/bin";
  return { ...env, ...configured };
}
