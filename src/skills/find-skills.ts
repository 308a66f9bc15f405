/**
 * The packs that are there for an agent, and which of them it may use. A pack of the workspace stands in for one of the same
 * name that was installed, that for one that ships, that for one of a further folder.
 */
import { constants } from "node:fs";
import { access, readdir, realpath, stat } from "node:fs/promises";
import path from "node:path";
import type { Config } from "../config/schema/root.ts";
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import { cleanText } from "../domain/text.ts";
import { isInside } from "../platform/safe-path.ts";
import { readFileBounded } from "../platform/atomic-file.ts";
import type { SkillInfo } from "./contract.ts";
import { readSkillFile, type ParseYaml, type SkillFile, type SkillMeta } from "./skill-file.ts";

export interface SkillFolder {
  readonly path: string;
  readonly source: SkillInfo["source"];
}

/** A pack, and what of its needs is there. */
export interface FoundSkill extends SkillInfo {
  readonly meta: SkillMeta;
  readonly hiddenFromModel: boolean;
  /** The name of its settings. */
  readonly key: string;
  /** It cannot be read: nothing but its place is known of it. */
  readonly isBroken: boolean;
}

export interface SkillWorld {
  readonly config: Config;
  /** Variables of the gateway's own environment. */
  readonly variables: Readonly<Record<string, string>>;
  readonly platform: string;
  readonly parseYaml: ParseYaml;
  /** Of a pack that cannot be read, in one sentence. */
  readonly complain: (folder: string, why: string) => void;
}

/** What a folder of packs looks like now: another answer means that something in it changed. */
export async function folderSignature({ path: folder }: SkillFolder): Promise<string> {
  const names = await packNames(folder);
  const marks = await Promise.all(
    names.map(async (name) => {
      const found = await stat(path.join(folder, name, "SKILL.md")).catch(() => null);
      return found === null ? "" : `${name}:${found.ino}:${found.size}:${found.mtimeMs}`;
    }),
  );
  return `${folder}[${marks.join(",")}]`;
}

/** By name; of one name the first folder's. One that cannot be read is among them where no other has its folder's name. */
export async function findSkills(folders: readonly SkillFolder[], world: SkillWorld): Promise<readonly FoundSkill[]> {
  const found = new Map<string, FoundSkill>();
  const broken: FoundSkill[] = [];
  for (const folder of folders) {
    for (const name of await packNames(folder.path)) {
      const skill = await readPack(folder, name, world);
      if (skill?.isBroken === true) broken.push(skill);
      else if (skill !== null && !found.has(skill.name)) found.set(skill.name, skill);
    }
  }
  for (const skill of broken) if (!found.has(skill.name)) found.set(skill.name, skill);
  return [...found.values()].toSorted((left, right) => (left.name < right.name ? -1 : 1));
}

async function packNames(folder: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter((entry) => !entry.name.startsWith(".") && (entry.isDirectory() || entry.isSymbolicLink()))
      .map(({ name }) => name)
      .toSorted()
      .slice(0, limits.skillsPerFolder);
  } catch {
    // No such folder is the usual case, and one that cannot be read has nothing to say.
    return [];
  }
}

async function readPack(
  { path: root, source }: SkillFolder,
  name: string,
  world: SkillWorld,
): Promise<FoundSkill | null> {
  const folder = path.join(root, name);
  const file = await skillText(root, folder).catch((error: unknown) => AppError.from(error).message);
  if (file === null) return null;
  const skill = typeof file === "string" ? file : readSkillFile(file.text, world.parseYaml);
  if (typeof skill === "string") {
    world.complain(folder, skill);
    return brokenPack(name, folder, { source, why: skill });
  }
  return judged(skill, { folder, source, world });
}

function brokenPack(
  name: string,
  folder: string,
  { source, why }: { readonly source: SkillInfo["source"]; readonly why: string },
): FoundSkill {
  const shown = cleanText(name);
  return {
    name: shown,
    description: "",
    folder,
    source,
    key: shown,
    meta: {},
    hiddenFromModel: true,
    isBroken: true,
    eligible: false,
    missing: [why],
    emoji: null,
    homepage: null,
  };
}

/** A pack may be a link to a folder elsewhere only where a person put it: not in the workspace, where the agent writes. */
async function skillText(root: string, folder: string): Promise<{ text: string } | null> {
  const file = path.join(folder, "SKILL.md");
  const [realRoot, real] = await Promise.all([realpath(root), realpath(file).catch(() => null)]);
  if (real === null) return null;
  if (!isInside(realRoot, real)) throw new AppError("SEC_007", `${folder} leads out of its folder.`);
  const bytes = await readFileBounded(real, limits.skillFileBytes);
  return bytes === null ? null : { text: bytes.toString("utf8") };
}

async function judged(
  { name, description, meta, hiddenFromModel }: SkillFile,
  {
    folder,
    source,
    world,
  }: { readonly folder: string; readonly source: SkillInfo["source"]; readonly world: SkillWorld },
): Promise<FoundSkill> {
  const key = meta.skillKey ?? name;
  const missing = [...refusals(name, key, { source, world }), ...(await missingNeeds(meta, key, world))];
  return {
    name,
    description,
    folder,
    source,
    key,
    meta,
    hiddenFromModel,
    isBroken: false,
    eligible: missing.length === 0,
    missing,
    emoji: meta.emoji ?? null,
    homepage: meta.homepage ?? null,
  };
}

function refusals(
  name: string,
  key: string,
  { source, world }: { readonly source: SkillInfo["source"]; readonly world: SkillWorld },
): string[] {
  const { entries, allowBundled } = world.config.skills;
  const why: string[] = [];
  if (entries[key]?.enabled === false) why.push("It is switched off in skills.entries.");
  if (source === "bundled" && allowBundled !== undefined && !allowBundled.includes(name))
    why.push("It is not in skills.allowBundled.");
  return why;
}

async function missingNeeds(meta: SkillMeta, key: string, world: SkillWorld): Promise<string[]> {
  const { requires = {}, os } = meta;
  if (os !== undefined && !os.includes(world.platform)) return [`It is for ${os.join(", ")} alone.`];
  if (meta.always === true) return [];
  const bins = await Promise.all(
    (requires.bins ?? []).map(async (bin) => ((await hasProgram(bin, world)) ? null : bin)),
  );
  const missing = bins.filter((bin) => bin !== null).map((bin) => `The program ${bin} is not installed.`);
  const anyBins = requires.anyBins ?? [];
  if (anyBins.length > 0 && !(await Promise.all(anyBins.map((bin) => hasProgram(bin, world)))).includes(true))
    missing.push(`One of the programs ${anyBins.join(", ")} is needed.`);
  for (const name of requires.env ?? []) {
    if (!hasVariable(name, { meta, key, world })) missing.push(`The variable ${name} is not set.`);
  }
  for (const place of requires.config ?? []) {
    if (!isSet(world.config, place)) missing.push(`The setting ${place} is not set.`);
  }
  return missing;
}

function hasVariable(
  name: string,
  { meta, key, world }: { readonly meta: SkillMeta; readonly key: string; readonly world: SkillWorld },
): boolean {
  const entry = world.config.skills.entries[key];
  if ((world.variables[name] ?? "") !== "" || (entry?.env?.[name] ?? "") !== "") return true;
  return meta.primaryEnv === name && (entry?.apiKey ?? "") !== "";
}

/** By the gateway's own PATH. A name with a separator in it is no program's name. */
export async function hasProgram(name: string, { variables }: Pick<SkillWorld, "variables">): Promise<boolean> {
  if (!/^[\w.+-]+$/.test(name)) return false;
  for (const folder of (variables["PATH"] ?? "").split(path.delimiter)) {
    if (!path.isAbsolute(folder)) continue;
    const isThere = await access(path.join(folder, name), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return true;
  }
  return false;
}

function isSet(config: Config, place: string): boolean {
  let value: unknown = config;
  for (const key of place.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return false;
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  return value !== undefined && value !== null && value !== false && value !== "";
}
