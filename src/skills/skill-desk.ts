/** Where people look after skill packs: what there is, what is missing for it, and a new one from a zip file. */
import { mkdtemp, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import { ensurePrivateDir, isErrno, readFileBounded } from "../platform/atomic-file.ts";
import type { SkillDesk } from "./contract.ts";
import type { FoundSkill } from "./find-skills.ts";
import { readSkillFile, type SkillInstaller } from "./skill-file.ts";
import type { SkillShelf } from "./surroundings.ts";

export interface SkillDeskDeps {
  readonly shelf: SkillShelf;
  readonly agentIds: () => readonly string[];
  readonly managedDir: string;
}

export function createSkillDesk(deps: SkillDeskDeps): SkillDesk {
  const known = async (agentId: string): Promise<readonly FoundSkill[]> => {
    if (!deps.agentIds().includes(agentId))
      throw new AppError("RPC_007", `There is no agent ${JSON.stringify(agentId)}.`, { details: { agentId } });
    return deps.shelf.skills(agentId);
  };
  return {
    list: known,
    async bins() {
      const shelves = await Promise.all(deps.agentIds().map(known));
      const names = shelves
        .flat()
        .flatMap(({ meta }) => [
          ...(meta.requires?.bins ?? []),
          ...(meta.requires?.anyBins ?? []),
          ...(meta.install ?? []).flatMap(({ bins }) => bins ?? []),
        ]);
      return [...new Set(names)].toSorted();
    },
    async installHint(agentId, name, installId) {
      const skill = (await known(agentId)).find((one) => one.name === name);
      const installer = skill?.meta.install?.find((one, index) => (one.id ?? `${one.kind}-${index}`) === installId);
      if (installer === undefined)
        throw new AppError("RPC_007", "There is no such skill, or it names no such way to install what it needs.");
      return hintOf(installer);
    },
    install: (zip) => install(zip, deps.managedDir),
  };
}

/** Words are shown and not run; what is not plainly a package's name is not put into a command. */
function hintOf({ kind, formula, package: pack, module: mod, url, label }: SkillInstaller): string {
  const plain = (value: string | undefined): string | null =>
    value !== undefined && /^[\w@./+:-]+$/.test(value) && !value.startsWith("-") ? value : null;
  const commands: Readonly<Record<string, string | null>> = {
    brew: plain(formula) && `brew install ${formula}`,
    node: plain(pack) && `npm install --global ${pack}`,
    go: plain(mod) && `go install ${mod}`,
    uv: plain(pack) && `uv tool install ${pack}`,
  };
  const command = commands[kind] ?? null;
  if (command !== null) return `Run this yourself: ${command}`;
  return `Install it yourself: ${label ?? plain(url) ?? kind}`;
}

async function install(zip: Uint8Array, managedDir: string): Promise<string> {
  if (zip.length > limits.packZipBytes) throw new AppError("MSG_003", `A pack may have ${limits.packZipBytes} bytes.`);
  await ensurePrivateDir(managedDir);
  // With a dot in front: no turn takes it for a pack before it is whole.
  const fresh = await mkdtemp(path.join(managedDir, ".new-"));
  try {
    const { unpackPack } = await import("./unpack-pack.ts");
    await unpackPack(zip, fresh);
    const root = await rootOf(fresh);
    const name = await nameOf(root);
    const place = path.join(managedDir, name);
    const old = path.join(managedDir, `.old-${path.basename(fresh)}`);
    await rename(place, old).catch((error: unknown) => {
      if (!isErrno(error, "ENOENT")) throw error;
    });
    await rename(root, place);
    await rm(old, { recursive: true, force: true });
    return name;
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/** Most zip files hold one folder with everything in it. */
async function rootOf(folder: string): Promise<string> {
  const entries = await readdir(folder, { withFileTypes: true });
  const [only] = entries;
  return entries.length === 1 && only?.isDirectory() === true ? path.join(folder, only.name) : folder;
}

async function nameOf(root: string): Promise<string> {
  const bytes = await readFileBounded(path.join(root, "SKILL.md"), limits.skillFileBytes);
  if (bytes === null) throw new AppError("RPC_003", "There is no SKILL.md in this pack.");
  const { parseYaml } = await import("./yaml.ts");
  const skill = readSkillFile(bytes.toString("utf8"), parseYaml);
  if (typeof skill === "string") throw new AppError("RPC_003", skill);
  return skill.name.toLowerCase().replaceAll(/[^\p{L}\p{N}_-]+/gu, "-");
}
