/** AWS's own two files, `config` and `credentials`: sections of names and values. Reading only; nothing is written. */
import path from "node:path";
import { limits } from "../../domain/limits.ts";
import { readFileBounded } from "../../platform/atomic-file.ts";
import { absolute, type Environment } from "../../config/environment.ts";

export type IniSection = Readonly<Record<string, string>>;

export interface SharedFiles {
  /** What both files say of a profile; where both say something, the credentials file wins. */
  readonly profiles: ReadonlyMap<string, IniSection>;
  /** Of what was read, to tell one state from another. */
  readonly text: string;
}

/** Missing files are empty ones. Throws what `readFileBounded` does. */
export async function readSharedFiles({ variables, homeDir }: Environment): Promise<SharedFiles> {
  const read = async (variable: string, name: string): Promise<string> => {
    const given = variables[variable]?.trim() ?? "";
    const file = given === "" ? path.join(homeDir, ".aws", name) : absolute(given, homeDir);
    return (await readFileBounded(file, limits.awsFileBytes))?.toString("utf8") ?? "";
  };
  const [config, credentials] = await Promise.all([
    read("AWS_CONFIG_FILE", "config"),
    read("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
  ]);
  const profiles = new Map<string, IniSection>();
  for (const [title, section] of parseIni(config)) {
    // `[default]` and `[profile work]`; a bare `[work]` is no profile in this file.
    const name = title === "default" ? title : /^profile\s+(.+)$/.exec(title)?.[1]?.trim();
    if (name !== undefined) profiles.set(name, section);
  }
  for (const [name, section] of parseIni(credentials)) profiles.set(name, { ...profiles.get(name), ...section });
  return { profiles, text: `${config}\n${credentials}` };
}

/** Lines that are none of ours are passed over, as AWS's tools do; names are of one case. */
export function parseIni(text: string): ReadonlyMap<string, IniSection> {
  const sections = new Map<string, Record<string, string>>();
  let section: Record<string, string> | null = null;
  let isNested = false;
  for (const line of text.split(/\r?\n/)) {
    // A mark in the middle of a word is part of a secret.
    const plain = (line.split(/(?:^|\s)[;#]/, 1)[0] ?? "").trimEnd();
    if (plain.trim() === "") continue;
    const title = /^\s*\[([^\]]+)\]\s*$/
      .exec(plain)?.[1]
      ?.trim()
      .replace(/^(profile\s+)?(["'])(.*)\2$/, "$1$3");
    if (title !== undefined) {
      section = Object.assign(Object.create(null) as Record<string, string>, sections.get(title));
      sections.set(title, section);
      continue;
    }
    const split = plain.indexOf("=");
    // What is indented under a name without a value belongs to that name, and is nothing we look for.
    if (split === -1 || section === null || (isNested && /^\s/.test(line))) continue;
    const value = plain.slice(split + 1).trim();
    isNested = value === "";
    section[plain.slice(0, split).trim().toLowerCase()] = value;
  }
  return sections;
}
