/** A workspace of its own in which one file tool after the other is called as a turn calls it. For tests. */
import { mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AppError } from "../../domain/app-error.ts";
import type { Taint } from "../../domain/taint.ts";
import type { ToolContext, ToolOutput } from "../contract.ts";
import { fileTools } from "../registry.ts";
import { runTool } from "../run-tool.ts";
import { toolContext } from "../tool-context.fixture.ts";
import { memoryProvenance } from "./provenance.fixture.ts";

export interface Room {
  readonly workspace: string;
  readonly marks: Map<string, Taint>;
  call(tool: string, input: unknown, part?: Partial<ToolContext>): Promise<ToolOutput>;
  /** What was thrown, as `CODE words`; fails where nothing was. */
  refusal(tool: string, input: unknown, part?: Partial<ToolContext>): Promise<string>;
  put(name: string, data: string | Uint8Array): Promise<void>;
  get(name: string): Promise<string>;
  close(): Promise<void>;
}

export async function openRoom(): Promise<Room> {
  const workspace = await realpath(await mkdtemp(join(tmpdir(), "room-")));
  const provenance = memoryProvenance();
  const tools = new Map(fileTools({ provenance }).map((tool) => [tool.name, tool]));
  const call: Room["call"] = (name, input, part = {}) => {
    const tool = tools.get(name);
    if (tool === undefined) throw new Error(`no tool ${name}`);
    return runTool(tool, input, toolContext({ workspace, ...part }));
  };
  return {
    workspace,
    marks: provenance.marks,
    call,
    refusal: (tool, input, part) =>
      call(tool, input, part).then(
        ({ text }) => {
          throw new Error(`was not refused: ${text}`);
        },
        (error: AppError) => `${error.code} ${error.message}`,
      ),
    put: (name, data) => writeFile(join(workspace, name), data),
    get: (name) => readFile(join(workspace, name), "utf8"),
    close: () => rm(workspace, { recursive: true, force: true }),
  };
}

/** Words of a page, as they are in a turn that has read it. */
export const page: Taint = { class: "foreign", source: "web page https://example.org/a" };
