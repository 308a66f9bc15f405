import { describe, expect, it } from "vitest";
import { fileTools } from "../registry.ts";
import { toolSpecs } from "../run-tool.ts";
import { noProvenance } from "./provenance.fixture.ts";

const tools = fileTools({ provenance: noProvenance });

describe("schemas of file tools", () => {
  it("P15: every tool shows one name for each field, an object, and little of it", () => {
    for (const { name, inputSchema, description } of toolSpecs(tools)) {
      expect(inputSchema, name).toMatchObject({ type: "object" });
      expect(JSON.stringify(inputSchema), name).not.toMatch(/file_path|old_string|maxLength|\$schema/);
      expect(description.length, name).toBeLessThan(100);
    }
    // About 750 tokens in every request.
    expect(JSON.stringify(toolSpecs(tools)).length).toBeLessThan(3_000);
  });

  it("another name of a field is read only where ours is missing; what is no object is refused", () => {
    const read = tools.find(({ name }) => name === "read")!;
    expect(read.inputSchema.parse({ path: "a", file_path: "b" })).toMatchObject({ path: "a" });
    expect(read.inputSchema.parse({ file_path: "b" })).toMatchObject({ path: "b", offset: 1 });
    for (const bad of [null, "a", ["a"], {}, { path: 3 }, { path: "x".repeat(4_097) }]) {
      expect(read.inputSchema.safeParse(bad).success).toBe(false);
    }
  });
});
