/** Applies a patch to files of the workspace. Everything is looked at before the first file is touched. */
import { z } from "zod";
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import { utf8Bytes } from "../../domain/text.ts";
import type { Tool, ToolContext } from "../contract.ts";
import { inWords } from "../workspace/failure.ts";
import { aliased } from "../workspace/input.ts";
import { readOrdinary } from "../workspace/ordinary-file.ts";
import { writeAct, filePlaceOf, folderOf, type Place } from "../workspace/place.ts";
import { originAfter, type Provenance } from "../workspace/provenance.ts";
import { decodeText, encodeText } from "../workspace/text.ts";
import { visibleName } from "../workspace/visible-name.ts";
import { carryOut, type Change } from "./changes.ts";
import { applyHunks } from "./hunks.ts";
import { parsePatch, pathsOf, type Hunk, type PatchPart } from "./parse.ts";

const { inputSchema, shownSchema } = aliased(
  {
    patch: z
      .string()
      .describe(
        "*** Begin Patch … *** End Patch, with *** Add File: path (+lines), *** Delete File: path, *** Update File: path (optional *** Move to: path, then @@ line above, and lines with ' ', - or +)",
      ),
  },
  { patch: ["input", "patchText", "diff"] },
);
type Input = z.output<typeof inputSchema>;

export function createApplyPatchTool({ provenance }: { readonly provenance: Provenance }): Tool<Input> {
  return {
    name: "apply_patch",
    description: "Change several files of the workspace at once; all or nothing.",
    inputSchema,
    shownSchema,
    // A hunk that only adds lines would add them again.
    effect: "unsafe",
    plan: ({ patch }, { workspace }) => writeAct(pathsOf(parsed(patch)), patch, workspace),
    run: ({ patch }, context) => applyPatch(parsed(patch), context, provenance),
  };
}

function parsed(patch: string): readonly PatchPart[] {
  if (utf8Bytes(patch) > limits.patchBytes) {
    throw new AppError("RUN_003", `The patch is larger than ${limits.patchBytes} bytes. Apply it in smaller ones.`);
  }
  return parsePatch(patch);
}

interface Planned {
  readonly changes: readonly Change[];
  /** `M notes.md`, as it is told. */
  readonly line: string;
}

async function applyPatch(parts: readonly PatchPart[], context: ToolContext, provenance: Provenance): Promise<string> {
  const planned: Planned[] = [];
  let bytes = 0;
  for (const part of parts) {
    context.signal.throwIfAborted();
    const one = await inWords(part.path, () => plannedPart(part, context.workspace));
    for (const { before, after } of one.changes) bytes += (before?.data.length ?? 0) + (after?.length ?? 0);
    if (bytes > 2 * limits.patchWriteBytes) {
      throw new AppError(
        "RUN_003",
        "The files of the patch are too large together; nothing was changed. Apply it in smaller ones.",
      );
    }
    planned.push(one);
  }
  const changes = planned.flatMap((one) => one.changes);
  refuseTwice(changes);
  // Marked first: were the process to die in between, a clean file counts as foreign, and not the other way round.
  const origins = await Promise.all(changes.map(({ place }) => provenance.of(place.safe.path)));
  const moved = originAfter(
    context.taint,
    originAfter(
      origins.filter((origin) => origin !== null),
      null,
    ),
  );
  for (const [index, { place, after, mode }] of changes.entries()) {
    const before = mode === undefined ? (origins[index] ?? null) : moved;
    if (after !== null) await provenance.mark(place.safe.path, originAfter(context.taint, before));
  }
  await carryOut(changes, context.signal);
  for (const { place, after } of changes) if (after === null) await provenance.mark(place.safe.path, null);
  return `Applied:\n${planned.map(({ line }) => line).join("\n")}`;
}

async function plannedPart(part: PatchPart, workspace: string): Promise<Planned> {
  const place = await filePlaceOf(part.path, workspace);
  const name = visibleName(place.name);
  if (part.kind === "add") {
    return {
      changes: [{ place, before: null, after: await newFile(place, Buffer.from(part.text)) }],
      line: `A ${name}`,
    };
  }
  const before = await readFile(place);
  if (part.kind === "delete") return { changes: [{ place, before, after: null }], line: `D ${name}` };
  // What is only moved may be anything.
  const after = part.hunks.length === 0 ? before.data : bounded(place, patchedData(before.data, part.hunks, place));
  if (part.moveTo === null) return { changes: [{ place, before, after }], line: `M ${name}` };
  const target = await filePlaceOf(part.moveTo, workspace);
  const mode = before.stats.mode & 0o777;
  return {
    changes: [
      { place: target, before: null, after: await newFile(target, after), mode },
      { place, before, after: null },
    ],
    line: `R ${name} -> ${visibleName(target.name)}`,
  };
}

function patchedData(data: Buffer, hunks: readonly Hunk[], { name }: Place): Buffer {
  const { text, form } = decodeText(data, name);
  const patched = applyHunks(text, hunks);
  if (patched.ok) return encodeText(patched.text, form);
  throw new AppError("RUN_003", `The patch does not fit ${visibleName(name)}; nothing was changed. ${patched.problem}`);
}

async function readFile(place: Place): Promise<NonNullable<Change["before"]>> {
  const { folder, leaf } = await folderOf(place);
  try {
    return await readOrdinary(folder, leaf, { name: place.name, maxBytes: limits.fileWriteBytes });
  } finally {
    await folder.close();
  }
}

/** Content for a place where nothing is. */
async function newFile(place: Place, data: Buffer): Promise<Buffer> {
  const found = await folderOf(place).catch(() => null);
  try {
    if (found !== null && (await found.folder.inspect(found.leaf)) !== null) {
      throw new AppError(
        "RUN_003",
        `${visibleName(place.name)} is there already; nothing was changed. Update it instead.`,
      );
    }
  } finally {
    await found?.folder.close();
  }
  return bounded(place, data);
}

function bounded(place: Place, data: Buffer): Buffer {
  if (data.length <= limits.fileWriteBytes) return data;
  throw new AppError(
    "RUN_003",
    `${visibleName(place.name)} would be larger than ${limits.fileWriteBytes} bytes; nothing was changed.`,
  );
}

function refuseTwice(changes: readonly Change[]): void {
  const seen = new Set<string>();
  for (const { place } of changes) {
    if (seen.has(place.safe.path)) {
      throw new AppError(
        "RUN_003",
        `The patch names ${visibleName(place.name)} twice; nothing was changed. Name each file once.`,
      );
    }
    seen.add(place.safe.path);
  }
}
