/** Writes a file of the workspace: all of the content or none of it. */
import { z } from "zod";
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import { utf8Bytes } from "../../domain/text.ts";
import type { Tool, ToolContext } from "../contract.ts";
import { inWords } from "../workspace/failure.ts";
import { aliased, pathField, pathNames } from "../workspace/input.ts";
import { replaceOrdinary } from "../workspace/ordinary-file.ts";
import { fileAct, filePlaceOf, folderOf, unmake } from "../workspace/place.ts";
import { markAdded, originAfter, type Provenance } from "../workspace/provenance.ts";
import { visibleName } from "../workspace/visible-name.ts";

const { inputSchema, shownSchema } = aliased(
  {
    path: pathField,
    content: z.string().describe("The whole file"),
  },
  { path: pathNames, content: ["contents", "text"] },
);
type Input = z.output<typeof inputSchema>;

export function createWriteTool({ provenance }: { readonly provenance: Provenance }): Tool<Input> {
  return {
    name: "write",
    description: "Write a file of the workspace; what was in it is replaced.",
    inputSchema,
    shownSchema,
    effect: "idempotent",
    plan: ({ path }, { workspace }) => fileAct([path], "write", workspace),
    run: (input, context) => inWords(input.path, () => write(input, context, provenance)),
  };
}

async function write({ path, content }: Input, context: ToolContext, provenance: Provenance): Promise<string> {
  const sizeBytes = utf8Bytes(content);
  if (sizeBytes > limits.fileWriteBytes) {
    throw new AppError(
      "RUN_003",
      `The content is ${sizeBytes} bytes; one call writes ${limits.fileWriteBytes} at most. Write it in smaller files.`,
    );
  }
  const place = await filePlaceOf(path, context.workspace);
  const made: string[] = [];
  const { folder, leaf } = await folderOf(place, { made });
  try {
    const was = await folder.inspect(leaf);
    // Marked first: were the process to die in between, a clean file counts as foreign, and not the other way round.
    await markAdded(place, context.taint, provenance);
    await replaceOrdinary(folder, leaf, { name: place.name, data: Buffer.from(content), was, signal: context.signal });
    await provenance.mark(place.safe.path, originAfter(context.taint, null));
    return `Wrote ${sizeBytes} bytes to ${visibleName(place.name)} (${was === null ? "new" : "replaced"}).`;
  } catch (thrown) {
    await unmake(place, made);
    throw thrown;
  } finally {
    await folder.close();
  }
}
