/** Finds lines in the text files of the workspace. Follows no links, looks into no binaries. */
import { z } from "zod";
import { limits } from "../../domain/limits.ts";
import { SafeFolder } from "../../platform/safe-folder.ts";
import type { Tool, ToolContext, ToolOutput } from "../contract.ts";
import { inWords } from "../workspace/failure.ts";
import { globOf, type Glob } from "../workspace/glob.ts";
import { aliased, folderNames, pathField } from "../workspace/input.ts";
import { fileAct, folderOf, placeOf, type Place } from "../workspace/place.ts";
import { originOfMany, type Provenance } from "../workspace/provenance.ts";
import { visibleName } from "../workspace/visible-name.ts";
import { gapNote, Walk } from "../workspace/walk.ts";
import { Matcher } from "./matcher.ts";
import { Search } from "./search.ts";

const { inputSchema, shownSchema } = aliased(
  {
    pattern: z.string().min(1).max(limits.grepPatternChars).describe("Regular expression"),
    path: pathField.default("."),
    glob: z.string().max(limits.globChars).optional().describe("As *.ts"),
    literal: z.boolean().default(false),
    ignoreCase: z.boolean().default(false),
    limit: z.int().min(1).max(limits.grepMatches).default(100),
  },
  {
    pattern: ["query", "regex"],
    path: folderNames,
    glob: ["include"],
    ignoreCase: ["ignore_case", "case_insensitive", "-i"],
    literal: ["fixed_strings"],
  },
);
type Input = z.output<typeof inputSchema>;

export function createGrepTool({ provenance }: { readonly provenance: Provenance }): Tool<Input> {
  return {
    name: "grep",
    description: "Find lines in text files of the workspace.",
    inputSchema,
    shownSchema,
    effect: "pure",
    plan: ({ path }, { workspace }) => fileAct([path], "read", workspace),
    run: (input, context) => inWords(input.path, () => grep(input, context, provenance)),
  };
}

/** What means something in a pattern. */
const special = /[.*+?^${}()|[\]\\/]/g;

async function grep(input: Input, context: ToolContext, provenance: Provenance): Promise<ToolOutput | string> {
  const isMeant = input.glob === undefined ? () => true : globOf(input.glob);
  const place = await placeOf(input.path, context.workspace);
  const source = input.literal ? input.pattern.replaceAll(special, String.raw`\$&`) : input.pattern;
  const matcher = new Matcher(
    { source, flags: input.ignoreCase ? "i" : "" },
    { clock: context.clock, signal: context.signal, withinMs: limits.walkMs },
  );
  const search = new Search({ matcher, provenance, place, limit: input.limit });
  const walk = new Walk(context);
  try {
    if (!(await searchedFile(search, place))) await searchBelow(search, walk, { place, isMeant });
  } finally {
    await matcher.close();
  }
  const note = gapNote([...walk.gaps, ...search.gaps()]);
  if (search.lines.length === 0) return `No line matches.${note}`;
  return {
    text: search.lines.join("\n") + note,
    from: originOfMany(search.foreign, `files of ${visibleName(place.name)}`),
  };
}

/** Whether the place is a file; then that alone was looked into. */
async function searchedFile(search: Search, place: Place): Promise<boolean> {
  if (place.name === ".") return false;
  const { folder, leaf } = await folderOf(place);
  try {
    const found = await folder.inspect(leaf);
    if (found === null || found.isDirectory()) return false;
    await search.file(folder, leaf, "");
    return true;
  } finally {
    await folder.close();
  }
}

async function searchBelow(
  search: Search,
  walk: Walk,
  { place, isMeant }: { readonly place: Place; readonly isMeant: Glob },
): Promise<void> {
  const start = await SafeFolder.open(place.safe);
  try {
    for await (const { folder, name, path, kind } of walk.below(start)) {
      if (kind !== "file" || !isMeant(path)) continue;
      await search.file(folder, name, path);
      if (search.isFull) return;
    }
  } finally {
    await start.close();
  }
}
