/** Replaces exact text in a file of the workspace, all replacements or none. The encoding and the line ends stay. */
import { z } from "zod";
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import type { Tool, ToolContext } from "../contract.ts";
import { inWords } from "../workspace/failure.ts";
import { aliased, isRaw, pathField, pathNames, renamed } from "../workspace/input.ts";
import { readOrdinary, replaceOrdinary } from "../workspace/ordinary-file.ts";
import { fileAct, filePlaceOf, folderOf } from "../workspace/place.ts";
import { markAdded, type Provenance } from "../workspace/provenance.ts";
import { decodeText, encodeText } from "../workspace/text.ts";
import { visibleName } from "../workspace/visible-name.ts";
import { replaceInText } from "./replace-text.ts";

const otherEditNames = {
  oldText: ["old_string", "old_text", "oldString", "old"],
  newText: ["new_string", "new_text", "newString", "new"],
  replaceAll: ["replace_all", "all"],
};

const { inputSchema, shownSchema } = aliased(
  {
    path: pathField,
    edits: z
      .array(
        z.object({
          oldText: z.string().describe("Exact; must be there once"),
          newText: z.string(),
          replaceAll: z.boolean().default(false),
        }),
      )
      .min(1)
      .max(limits.fileEdits),
  },
  { path: pathNames },
  // Many models know an edit as one replacement beside the path.
  (input) => ({
    ...input,
    edits: Array.isArray(input["edits"])
      ? input["edits"].map((edit: unknown) => (isRaw(edit) ? renamed(edit, otherEditNames) : edit))
      : (input["edits"] ?? [renamed(input, otherEditNames)]),
  }),
);
type Input = z.output<typeof inputSchema>;

export function createEditTool({ provenance }: { readonly provenance: Provenance }): Tool<Input> {
  return {
    name: "edit",
    description: "Replace exact text in a file of the workspace; all edits or none.",
    inputSchema,
    shownSchema,
    effect: "idempotent",
    plan: ({ path }, { workspace }) => fileAct([path], "write", workspace),
    run: (input, context) => inWords(input.path, () => edit(input, context, provenance)),
  };
}

async function edit({ path, edits }: Input, context: ToolContext, provenance: Provenance): Promise<string> {
  const place = await filePlaceOf(path, context.workspace);
  const name = visibleName(place.name);
  const { folder, leaf } = await folderOf(place);
  try {
    const found = await readOrdinary(folder, leaf, { name: place.name, maxBytes: limits.fileWriteBytes });
    const { text, form } = decodeText(found.data, place.name);
    const replaced = replaceInText(text, edits);
    if (!replaced.ok) throw new AppError("RUN_003", `${name} was not changed. ${replaced.problem}`);
    if (replaced.count === 0) return `${name} has the new text already; nothing was changed.`;
    const data = encodeText(replaced.text, form);
    if (data.length > limits.fileWriteBytes) {
      throw new AppError("RUN_003", `${name} was not changed: it would be larger than ${limits.fileWriteBytes} bytes.`);
    }
    await markAdded(place, context.taint, provenance);
    await replaceOrdinary(folder, leaf, { name: place.name, data, was: found.stats, signal: context.signal });
    return `Changed ${replaced.count} ${replaced.count === 1 ? "place" : "places"} in ${name}.`;
  } finally {
    await folder.close();
  }
}
