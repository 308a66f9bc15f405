/** A workspace and folders of packs on the disk, in a folder of their own. For tests. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { strToU8, zipSync, type Zippable } from "fflate";
import { defaultConfig } from "../config/default-config.ts";
import type { Config } from "../config/schema/root.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import { silentLog } from "../platform/log.ts";
import { createSurroundings, type SkillShelf } from "./surroundings.ts";

export interface SkillTown {
  readonly root: string;
  readonly workspace: string;
  readonly shelf: SkillShelf;
  config: Config;
  variables: Record<string, string>;
  readonly clock: FakeClock;
  /** `managed/weather/SKILL.md` and the like, by its path below the root. */
  put(file: string, text: string): Promise<void>;
  close(): Promise<void>;
}

export async function openSkillTown(): Promise<SkillTown> {
  const root = await mkdtemp(path.join(tmpdir(), "openclaw-skills-"));
  const workspace = path.join(root, "workspace");
  const plain = defaultConfig();
  const clock = new FakeClock();
  const town: SkillTown = {
    root,
    workspace,
    config: { ...plain, agents: { ...plain.agents, defaults: { ...plain.agents.defaults, workspace } } },
    clock,
    variables: { PATH: path.join(root, "bin") },
    shelf: createSurroundings({
      config: () => town.config,
      variables: () => town.variables,
      managedDir: path.join(root, "managed"),
      bundledDir: path.join(root, "bundled"),
      clock,
      freshMs: 0,
      log: silentLog(),
    }),
    async put(file, text) {
      const place = path.join(root, file);
      await mkdir(path.dirname(place), { recursive: true });
      await writeFile(place, text, { mode: file.startsWith("bin/") ? 0o755 : 0o600 });
    },
    close: () => rm(root, { recursive: true, force: true }),
  };
  return town;
}

export function skillText(name: string, metadata?: unknown): string {
  const meta = metadata === undefined ? "" : `metadata: ${JSON.stringify({ openclaw: metadata })}\n`;
  return `---\nname: ${name}\ndescription: Does ${name}.\n${meta}---\n\n# ${name}\n\nFirst do this.\n`;
}

/** A pack as a zip file, base64. */
export function packZip(name: string, more: Zippable = {}): string {
  return Buffer.from(zipSync({ "SKILL.md": strToU8(skillText(name)), ...more })).toString("base64");
}
