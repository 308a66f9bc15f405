/** Lists a folder of the workspace: names, kinds, sizes. Follows no links. */
import { z } from "zod";
import { limits } from "../../domain/limits.ts";
import type { Tool, ToolContext, ToolOutput } from "../contract.ts";
import { isTemporaryName, SafeFolder } from "../../platform/safe-folder.ts";
import { inWords } from "../workspace/failure.ts";
import { aliased, folderNames, pathField } from "../workspace/input.ts";
import { kindOf } from "../workspace/ordinary-file.ts";
import { fileAct, folderOf, placeOf, type Place } from "../workspace/place.ts";
import { originOf, originOfMany, type Provenance } from "../workspace/provenance.ts";
import { visibleName } from "../workspace/visible-name.ts";

const { inputSchema, shownSchema } = aliased(
  {
    path: pathField.default("."),
    limit: z.int().min(1).max(limits.folderEntriesShown).default(limits.folderEntriesShown),
  },
  { path: folderNames },
);
type Input = z.output<typeof inputSchema>;

export function createLsTool({ provenance }: { readonly provenance: Provenance }): Tool<Input> {
  return {
    name: "ls",
    description: "List a folder of the workspace with kinds and sizes.",
    inputSchema,
    shownSchema,
    effect: "pure",
    plan: ({ path }, { workspace }) => fileAct([path], "read", workspace),
    run: (input, context) => inWords(input.path, () => list(input, context, provenance)),
  };
}

async function list(input: Input, context: ToolContext, provenance: Provenance): Promise<ToolOutput | string> {
  const place = await placeOf(input.path, context.workspace);
  const single = place.name === "." ? null : await fileLine(place);
  if (single !== null) return { text: single, from: await originOf(place, provenance) };
  const folder = await SafeFolder.open(place.safe);
  try {
    const { names, isWhole } = await namesIn(folder, context.signal);
    if (names.length === 0) return `${visibleName(place.name)} is empty.`;
    const shown = names.slice(0, input.limit);
    const lines: string[] = [];
    for (const name of shown) {
      context.signal.throwIfAborted();
      lines.push(await lineOf(folder, name));
    }
    const left = names.length - shown.length;
    if (left > 0 || !isWhole) lines.push(isWhole ? `[${left} more]` : `[more than ${left} more]`);
    const foreign = await Promise.all(shown.map((name) => provenance.of(`${place.safe.path}/${name}`)));
    return { text: lines.join("\n"), from: originOfMany(foreign, `folder ${visibleName(place.name)}`) };
  } finally {
    await folder.close();
  }
}

/** Of a path that is there and is no folder. */
async function fileLine(place: Place): Promise<string | null> {
  const { folder, leaf } = await folderOf(place);
  try {
    const found = await folder.inspect(leaf);
    return found === null || found.isDirectory() ? null : await lineOf(folder, leaf);
  } finally {
    await folder.close();
  }
}

async function namesIn(folder: SafeFolder, signal: AbortSignal): Promise<{ names: string[]; isWhole: boolean }> {
  const names: string[] = [];
  for await (const { name } of folder.entries()) {
    signal.throwIfAborted();
    if (names.length >= limits.folderEntries) return { names: names.toSorted(), isWhole: false };
    if (!isTemporaryName(name)) names.push(name);
  }
  return { names: names.toSorted(), isWhole: true };
}

async function lineOf(folder: SafeFolder, name: string): Promise<string> {
  const found = await folder.inspect(name);
  if (found === null) return `${visibleName(name)} (gone)`;
  if (found.isDirectory()) return `${visibleName(name)}/`;
  return found.isFile() ? `${visibleName(name)} ${found.size} bytes` : `${visibleName(name)} (${kindOf(found)})`;
}
