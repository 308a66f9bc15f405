/** Shows a text file of the workspace, or a part of it. Says what a file is that is no text; shows no pictures. */
import { z } from "zod";
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import type { Tool, ToolContext, ToolOutput } from "../contract.ts";
import { inWords } from "../workspace/failure.ts";
import { aliased, pathField, pathNames } from "../workspace/input.ts";
import { openOrdinary, type OpenFile } from "../workspace/ordinary-file.ts";
import { fileAct, filePlaceOf, folderOf, type Place } from "../workspace/place.ts";
import { originOf, type Provenance } from "../workspace/provenance.ts";
import { contentOf } from "../workspace/text.ts";
import { visibleName } from "../workspace/visible-name.ts";
import { readLines, type LinesRead } from "./lines.ts";

const { inputSchema, shownSchema } = aliased(
  {
    path: pathField,
    offset: z.int().min(1).default(1).describe("First line, from 1"),
    limit: z.int().min(1).max(limits.fileReadLines).default(limits.fileReadLines),
    lineNumbers: z.boolean().default(false),
  },
  { path: pathNames, lineNumbers: ["line_numbers"], offset: ["start_line"], limit: ["max_lines"] },
);
type Input = z.output<typeof inputSchema>;

export function createReadTool({ provenance }: { readonly provenance: Provenance }): Tool<Input> {
  return {
    name: "read",
    description: "Read a text file of the workspace, or some lines of it.",
    inputSchema,
    shownSchema,
    effect: "pure",
    plan: ({ path }, { workspace }) => fileAct([path], "read", workspace),
    run: (input, context) => inWords(input.path, () => read(input, context, provenance)),
  };
}

async function read(input: Input, context: ToolContext, provenance: Provenance): Promise<ToolOutput | string> {
  const place = await filePlaceOf(input.path, context.workspace);
  const { folder, leaf } = await folderOf(place);
  try {
    const file = await openOrdinary(folder, leaf, place.name);
    try {
      return await show(file, place, { input, context, provenance });
    } finally {
      await file.handle.close();
    }
  } finally {
    await folder.close();
  }
}

interface Reading {
  readonly input: Input;
  readonly context: ToolContext;
  readonly provenance: Provenance;
}

const headBytes = 8 * 1024;

async function show({ handle, stats }: OpenFile, place: Place, reading: Reading): Promise<ToolOutput | string> {
  const { input, context, provenance } = reading;
  const head = Buffer.alloc(headBytes);
  const { bytesRead } = await handle.read(head, 0, headBytes, 0);
  const content = contentOf(head.subarray(0, bytesRead));
  const name = visibleName(place.name);
  if (content.kind !== "text") {
    const hint = content.kind === "image" ? " Look at it with image." : "";
    return `${name} is a ${content.what} of ${stats.size} bytes, not text.${hint}`;
  }
  const found = await readLines(handle, content.form, { ...input, signal: context.signal });
  if (found.lines.length === 0) return emptyAnswer(name, found, input);
  const text = found.lines
    .map((line, index) => (input.lineNumbers ? `${input.offset + index}\t${line}` : line))
    .join("\n");
  const from = await originOf(place, provenance);
  return { text: `${text}\n${endNote(found, input)}`, from };
}

function emptyAnswer(name: string, found: LinesRead, { offset }: Input): string {
  if (found.end === "far") {
    throw new AppError(
      "RUN_003",
      `Line ${offset} of ${name} lies more than ${limits.fileScanBytes} bytes in; use a command.`,
    );
  }
  return found.seen === 0 ? `${name} is empty.` : `${name} has ${found.seen} lines; there is no line ${offset}.`;
}

function endNote(found: LinesRead, { offset }: Input): string {
  const last = offset + found.lines.length - 1;
  if (found.end === "file") return offset === 1 ? "" : `[lines ${offset}-${last} of ${last}]`;
  return `[lines ${offset}-${last}; more follow: go on with offset ${last + 1}]`;
}
