/** Finds files and folders of the workspace by name. Follows no links. */
import { z } from "zod";
import { limits } from "../../domain/limits.ts";
import { SafeFolder } from "../../platform/safe-folder.ts";
import type { Tool, ToolContext, ToolOutput } from "../contract.ts";
import { inWords } from "../workspace/failure.ts";
import { globOf } from "../workspace/glob.ts";
import { aliased, folderNames, pathField } from "../workspace/input.ts";
import { fileAct, placeOf } from "../workspace/place.ts";
import { originOfMany, type Provenance } from "../workspace/provenance.ts";
import { visibleName } from "../workspace/visible-name.ts";
import { gapNote, Walk } from "../workspace/walk.ts";

const { inputSchema, shownSchema } = aliased(
  {
    pattern: z.string().min(1).max(limits.globChars).describe("Glob, as *.md or src/**/*.{ts,js}"),
    path: pathField.default("."),
    limit: z.int().min(1).max(limits.findResults).default(limits.findResults),
  },
  { pattern: ["glob", "name", "query"], path: folderNames },
);
type Input = z.output<typeof inputSchema>;

export function createFindTool({ provenance }: { readonly provenance: Provenance }): Tool<Input> {
  return {
    name: "find",
    description: "Find files of the workspace by name.",
    inputSchema,
    shownSchema,
    effect: "pure",
    plan: ({ path }, { workspace }) => fileAct([path], "read", workspace),
    run: (input, context) => inWords(input.path, () => find(input, context, provenance)),
  };
}

async function find(input: Input, context: ToolContext, provenance: Provenance): Promise<ToolOutput | string> {
  const isMeant = globOf(input.pattern);
  const place = await placeOf(input.path, context.workspace);
  const folder = await SafeFolder.open(place.safe);
  const walk = new Walk(context);
  const found: { readonly line: string; readonly path: string }[] = [];
  try {
    for await (const { path, kind } of walk.below(folder)) {
      if (!isMeant(path)) continue;
      if (found.length >= input.limit) {
        walk.gaps.add(`there are more than ${input.limit}: narrow the pattern`);
        break;
      }
      const name = visibleName(place.name === "." ? path : `${place.name}/${path}`);
      found.push({ line: kind === "folder" ? `${name}/` : name, path: `${place.safe.path}/${path}` });
    }
  } finally {
    await folder.close();
  }
  if (found.length === 0) return `Nothing in ${visibleName(place.name)} has such a name.${gapNote(walk.gaps)}`;
  const foreign = await Promise.all(found.map(({ path }) => provenance.of(path)));
  return {
    text: found.map(({ line }) => line).join("\n") + gapNote(walk.gaps),
    from: originOfMany(foreign, `folder ${visibleName(place.name)}`),
  };
}
