/**
 * Reads what an agent's folder says, once a turn. Looks at every file's mark each time and reads only where one changed, so
 * that a turn pays for a few looks and the next one sees every change.
 */
import { contentHash } from "../platform/content-hash.ts";
import { stat } from "node:fs/promises";
import path from "node:path";
import type { Config } from "../config/schema/root.ts";
import { workspaceOf } from "../config/workspace.ts";
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import type { Clock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import type { SkillInfo, Surroundings, SurroundingsReader } from "./contract.ts";
import { findSkills, folderSignature, type FoundSkill, type SkillFolder } from "./find-skills.ts";
import { isTold, readWorkspaceFile, workspaceFiles, workspaceSection, type WhichTurn } from "./workspace-files.ts";

export interface SurroundingsDeps {
  readonly config: () => Config;
  readonly variables: () => Readonly<Record<string, string>>;
  /** Packs that were installed with this product's own commands. */
  readonly managedDir: string;
  /** Packs that ship; null where none do. */
  readonly bundledDir: string | null;
  readonly clock: Clock;
  /** How long a look counts as new; as the house has it where absent. */
  readonly freshMs?: number;
  readonly log: Log;
}

export interface SkillShelf extends SurroundingsReader {
  /** Every pack there is for an agent, usable or not. */
  skills(agentId: string): Promise<readonly FoundSkill[]>;
  /** Those that its model is told of. */
  usable(agentId: string): Promise<readonly FoundSkill[]>;
}

interface Look<T> {
  readonly atMs: number;
  readonly found: Promise<T>;
}

interface Remembered {
  readonly signature: string;
  readonly skills: readonly FoundSkill[];
}

export function createSurroundings(deps: SurroundingsDeps): SkillShelf {
  return new Shelf(deps);
}

class Shelf implements SkillShelf {
  readonly #deps: SurroundingsDeps;
  readonly #skills = new Map<string, Remembered>();
  readonly #complained = new Set<string>();
  readonly #told = new Map<string, Look<Surroundings>>();
  readonly #usable = new Map<string, Look<readonly FoundSkill[]>>();

  constructor(deps: SurroundingsDeps) {
    this.#deps = deps;
  }

  read({ agentId, ...turn }: { readonly agentId: string } & WhichTurn): Promise<Surroundings> {
    return this.#shared(this.#told, JSON.stringify([agentId, turn]), () => this.#read(agentId, turn));
  }

  usable(agentId: string): Promise<readonly FoundSkill[]> {
    return this.#shared(this.#usable, agentId, () => this.#usableNow(agentId));
  }

  /** Turns that begin in the same moment share a look. */
  #shared<T>(looks: Map<string, Look<T>>, which: string, look: () => Promise<T>): Promise<T> {
    const { clock, freshMs = limits.surroundingsFreshMs } = this.#deps;
    const nowMs = clock.monotonicMs();
    const known = looks.get(which);
    if (known !== undefined && nowMs - known.atMs < freshMs) return known.found;
    if (looks.size >= limits.surroundingsLooks) looks.clear();
    const found = look();
    looks.set(which, { atMs: nowMs, found });
    return found;
  }

  async #read(agentId: string, turn: WhichTurn): Promise<Surroundings> {
    const [files, usable] = await Promise.all([this.#files(agentId, turn), this.usable(agentId)]);
    const listed = skillsSection(usable);
    const sections = listed === null ? files : [...files, listed];
    return { hash: contentHash(sections), sections, skills: usable };
  }

  async #usableNow(agentId: string): Promise<readonly FoundSkill[]> {
    const skills = await this.skills(agentId);
    return skills.filter(
      ({ eligible, hiddenFromModel, name }) => eligible && !hiddenFromModel && this.#isGranted(agentId, name),
    );
  }

  async skills(agentId: string): Promise<readonly FoundSkill[]> {
    const { config, variables, log } = this.#deps;
    const folders = this.#folders(agentId);
    const { skills: settings } = config();
    const signature = JSON.stringify([
      await Promise.all(folders.map(folderSignature)),
      settings.entries,
      settings.allowBundled,
    ]);
    const known = this.#skills.get(agentId);
    if (known?.signature === signature) return known.skills;
    const { parseYaml } = await import("./yaml.ts");
    const skills = await findSkills(folders, {
      config: config(),
      variables: variables(),
      platform: process.platform,
      parseYaml,
      complain: (folder, why) => this.#complain(folder, why, log),
    });
    this.#skills.set(agentId, { signature, skills });
    return skills;
  }

  /** The nearest first. */
  #folders(agentId: string): readonly SkillFolder[] {
    const { config, managedDir, bundledDir } = this.#deps;
    const snapshot = config();
    return [
      { path: path.join(workspaceOf(snapshot, agentId), "skills"), source: "workspace" },
      { path: managedDir, source: "managed" },
      ...(bundledDir === null ? [] : [{ path: bundledDir, source: "bundled" } as const]),
      ...snapshot.skills.load.extraDirs.map((dir) => ({ path: dir, source: "extra" }) as const),
    ];
  }

  #isGranted(agentId: string, name: string): boolean {
    const own = this.#deps.config().agents.list.find(({ id }) => id === agentId)?.skills;
    return own === undefined || own.includes(name);
  }

  async #files(agentId: string, turn: WhichTurn): Promise<Surroundings["sections"]> {
    const { config } = this.#deps;
    const snapshot = config();
    const workspace = workspaceOf(snapshot, agentId);
    if (!(await isFolder(workspace))) return [];
    const told = workspaceFiles.filter((file) => isTold(file, turn));
    const sections = await Promise.all(
      told.map(async ({ name }) => {
        const text = await this.#text(workspace, name);
        return text === null ? null : workspaceSection(name, text, snapshot.agents.defaults.bootstrapMaxChars);
      }),
    );
    return sections.filter((section) => section !== null);
  }

  /** What cannot be read is left out: the turn goes on without it. */
  async #text(workspace: string, name: string): Promise<string | null> {
    try {
      return await readWorkspaceFile(workspace, name);
    } catch (thrown) {
      this.#complain(path.join(workspace, name), AppError.from(thrown).message, this.#deps.log);
      return null;
    }
  }

  /** Once for each thing that is wrong: a turn comes by here every few seconds. */
  #complain(place: string, why: string, log: Log): void {
    const what = `${place}: ${why}`;
    if (this.#complained.has(what)) return;
    if (this.#complained.size >= limits.skillComplaints) this.#complained.clear();
    this.#complained.add(what);
    log.warn("a part of a workspace was left out", { place, why });
  }
}

async function isFolder(folder: string): Promise<boolean> {
  return stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function skillsSection(skills: readonly SkillInfo[]): { name: string; text: string } | null {
  if (skills.length === 0) return null;
  const lines: string[] = [];
  let chars = 0;
  for (const { name, description } of skills) {
    const line = `- ${name}: ${description}`;
    chars += line.length;
    if (chars > limits.skillListChars) {
      lines.push(`- … and ${skills.length - lines.length} more`);
      break;
    }
    lines.push(line);
  }
  const text = `You have skills: instructions for certain jobs. Where one fits what is asked, read it with the tool skill before you begin.\n${lines.join("\n")}`;
  return { name: "skills", text };
}
