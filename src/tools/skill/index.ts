/** Shows a skill: its instructions, or another file of its pack. Looks the name up among those of the turn, never joins it. */
import { readdir } from "node:fs/promises";
import { constants } from "node:fs";
import { z } from "zod";
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import { openInside, resolveInside } from "../../platform/safe-path.ts";
import type { SkillInfo } from "../../skills/contract.ts";
import type { Tool } from "../contract.ts";

const inputSchema = z.object({
  name: z.string().max(128).describe("A skill of the list"),
  file: z.string().max(512).optional().describe("A file of its folder; SKILL.md where left out"),
});

export interface SkillToolDeps {
  /** Those that this agent may use. */
  readonly skills: (agentId: string) => Promise<readonly SkillInfo[]>;
}

export function createSkillTool({ skills }: SkillToolDeps): Tool<z.infer<typeof inputSchema>> {
  return {
    name: "skill",
    description: "Reads the instructions of a skill, or a file that they name.",
    inputSchema,
    effect: "pure",
    async run({ name, file = "SKILL.md" }, { agentId }) {
      const known = await skills(agentId);
      const skill = known.find((one) => one.name === name);
      if (skill === undefined) {
        const names = known.map((one) => one.name).join(", ");
        throw new AppError(
          "RUN_003",
          `There is no skill ${JSON.stringify(name)}. ${names === "" ? "There are none." : `There are: ${names}.`}`,
        );
      }
      const text = await readOf(skill, file);
      const head =
        file === "SKILL.md"
          ? `Folder of the skill: ${skill.folder}\nIts files: ${(await filesOf(skill)).join(", ")}\n\n`
          : "";
      return { text: `${head}${text}`, from: { class: "local", source: `skill ${skill.name}` } };
    },
  };
}

async function readOf({ folder, name }: SkillInfo, file: string): Promise<string> {
  const safe = await resolveInside(folder, file);
  const handle = await openInside(safe, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch((cause: unknown) => {
    throw new AppError("RUN_003", `The skill ${name} has no file ${JSON.stringify(file)}.`, { cause });
  });
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw new AppError("RUN_003", `${file} is not an ordinary file.`);
    if (found.size > limits.skillFileBytes) throw new AppError("RUN_003", `${file} is too large to be read.`);
    const bytes = await handle.readFile();
    if (bytes.includes(0)) throw new AppError("RUN_003", `${file} is not a text.`);
    return bytes.toString("utf8");
  } finally {
    await handle.close();
  }
}

/** What lies in it, folders with a slash; what those hold the instructions tell. */
async function filesOf({ folder }: SkillInfo): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter(({ name }) => !name.startsWith("."))
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    .toSorted()
    .slice(0, shownFiles);
}

const shownFiles = 50;
