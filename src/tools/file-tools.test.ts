/** Every file tool, with every path it takes, against everything a path can be. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AppError } from "../domain/app-error.ts";
import type { Tool, ToolContext } from "./contract.ts";
import { fileTools } from "./registry.ts";
import {
  canary,
  insideWords,
  lookAlikePaths,
  plantTree,
  refusedPaths,
  snapshot,
  startSwapping,
  type PathTree,
} from "./fixtures/paths.ts";
import { runTool } from "./run-tool.ts";
import { toolContext } from "./tool-context.fixture.ts";
import { noProvenance } from "./workspace/provenance.fixture.ts";

/** Each way in which a path gets into a tool. */
const waysIn: readonly { readonly tool: string; readonly way: string; input(path: string): unknown }[] = [
  { tool: "read", way: "path", input: (path) => ({ path }) },
  { tool: "write", way: "path", input: (path) => ({ path, content: "overwritten" }) },
  { tool: "edit", way: "path", input: (path) => ({ path, oldText: "a", newText: "overwritten", replaceAll: true }) },
  {
    tool: "apply_patch",
    way: "Add File",
    input: (path) => ({ patch: `*** Begin Patch\n*** Add File: ${path}\n+overwritten\n*** End Patch` }),
  },
  {
    tool: "apply_patch",
    way: "Delete File",
    input: (path) => ({ patch: `*** Begin Patch\n*** Delete File: ${path}\n*** End Patch` }),
  },
  {
    tool: "apply_patch",
    way: "Update File",
    input: (path) => ({
      patch: `*** Begin Patch\n*** Update File: ${path}\n@@\n-${canary}\n+overwritten\n*** End Patch`,
    }),
  },
  {
    tool: "apply_patch",
    way: "Move to",
    input: (path) => ({ patch: `*** Begin Patch\n*** Update File: mine\n*** Move to: ${path}\n*** End Patch` }),
  },
  { tool: "find", way: "path", input: (path) => ({ pattern: "*", path }) },
  { tool: "grep", way: "path", input: (path) => ({ pattern: ".", path }) },
  { tool: "ls", way: "path", input: (path) => ({ path }) },
];

const tools = new Map(fileTools({ provenance: noProvenance }).map((tool) => [tool.name, tool]));
const toolNamed = (name: string): Tool => tools.get(name)!;

let tree: PathTree;
let context: ToolContext;
const plant = async (): Promise<void> => {
  tree = await plantTree();
  context = toolContext({ workspace: tree.workspace });
};
const inTree = (path: string): string => path.replaceAll("{base}", tree.base);

type Outcome = { text: string; code: string };
const outcomeOf = async (tool: string, input: unknown): Promise<Outcome> =>
  runTool(toolNamed(tool), input, context).then(
    ({ text }) => ({ text, code: "done" }),
    (error: AppError) => ({ text: error.message, code: error.code }),
  );

it("R092: no file tool is left out of the corpus", () => {
  expect(new Set(waysIn.map(({ tool }) => tool))).toEqual(new Set(tools.keys()));
});

describe.each(waysIn)("$tool by its $way", ({ tool, input }) => {
  let before = "";
  beforeAll(async () => {
    await plant();
    before = await snapshot(tree.base);
  });
  afterAll(() => tree.close());

  /** `ls` says what a thing is without opening it. */
  const looksOnly = (path: string): boolean => tool === "ls" && ["hard", "pipe", "socket"].includes(path);

  it.each(refusedPaths)("R092 R094 R095: %j is refused", async (path) => {
    const outcome = await outcomeOf(tool, input(inTree(path)));
    if (!looksOnly(path)) expect(["SEC_007", "RUN_003"]).toContain(outcome.code);
    expect(outcome.text).not.toContain(canary);
  });

  it("R092 R094 R095: none of them changed anything", async () => {
    expect(await snapshot(tree.base)).toBe(before);
  });

  it("P15: words of a refusal tell the model what it can use instead", async () => {
    const outcome = await outcomeOf(tool, input("/etc/passwd"));
    expect(outcome.code).toBe("SEC_007");
    expect(outcome.text).toContain("Only files of the workspace can be opened");
  });

  it.each(
    refusedPaths.filter((path) => path.startsWith("{base}/foobar") || path.startsWith("out") || path.startsWith("../")),
  )("P15: %j is told to policy as outside", async (path) => {
    const act = await toolNamed(tool).plan!(toolNamed(tool).inputSchema.parse(input(inTree(path))), context);
    expect(act).toMatchObject({ kind: "file", inside: false });
  });
});

describe.each(waysIn)("$tool by its $way, look-alikes", ({ tool, input }) => {
  beforeAll(plant);
  afterAll(() => tree.close());

  it.each(lookAlikePaths)("R095: %j is a place of its own", async (path) => {
    const outside = await snapshot(join(tree.base, "foobar"));
    const outcome = await outcomeOf(tool, input(path));
    expect(outcome.text).not.toContain(canary);
    expect(outcome.text).not.toContain(insideWords);
    for (const kept of ["Notes.md", "caf\u00e9.md"]) {
      expect(await readFile(join(tree.workspace, kept), "utf8")).toBe(insideWords);
    }
    expect(await snapshot(join(tree.base, "foobar"))).toBe(outside);
  });
});

describe("somebody who exchanges folders for links", () => {
  beforeAll(plant);
  afterAll(() => tree.close());

  it.each(waysIn)("R094 R126: $tool by its $way never gets out", async ({ tool, way, input }) => {
    const outside = await snapshot(join(tree.base, "foobar"));
    const swapping = await startSwapping(join(tree.workspace, tool, way), join(tree.base, "foobar", "sub"));
    const codes = new Set<string>();
    // A search starts a thread each time.
    const rounds = tool === "grep" ? 40 : 150;
    for (let round = 0; round < rounds; round += 1) {
      await writeFile(join(tree.workspace, "mine"), "to be moved");
      const outcome = await outcomeOf(tool, input(`${tool}/${way}/swapped/secret`));
      expect(outcome.text).not.toContain(canary);
      codes.add(outcome.code);
    }
    await swapping.terminate();
    expect(await snapshot(join(tree.base, "foobar"))).toBe(outside);
    expect([...codes].every((code) => ["done", "SEC_007", "RUN_003"].includes(code))).toBe(true);
  });
});
