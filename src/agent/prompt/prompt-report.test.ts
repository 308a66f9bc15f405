import { describe, expect, test } from "vitest";
import { defaultConfig } from "../../config/default-config.ts";
import { builtInTools } from "../../tools/registry.ts";
import { toolSpecs } from "../../tools/run-tool.ts";
import { promptReport } from "./prompt-report.ts";
import { promptFacts, systemPrompt } from "./system-prompt.ts";

const dm = { chatKind: "dm" as const };

describe("the prompt", () => {
  test("is within 8 KB with every tool that ships, sections and schemas together", () => {
    const facts = promptFacts(defaultConfig(), {
      agentId: "main",
      address: dm,
      toolNames: [],
      instructions: undefined,
    });
    const report = promptReport(facts, toolSpecs(builtInTools()));
    expect(report.totalBytes).toBeGreaterThan(200);
    expect(report.totalBytes).toBeLessThanOrEqual(8_192);
    expect(report.totalBytes).toBe(
      report.sections.reduce((sum, { bytes }) => sum + bytes, 0) +
        report.tools.reduce((sum, { bytes }) => sum + bytes, 0),
    );
  });

  test("says what the operator says of an agent, by its name, and nothing empty", () => {
    const config = defaultConfig();
    const list = [{ id: "cook", name: "Cook", identity: { name: "Chef Ö" }, instructions: "Metric units." }];
    const facts = promptFacts(
      { ...config, agents: { ...config.agents, list } },
      { agentId: "cook", address: dm, toolNames: [], instructions: "  " },
    );
    const report = promptReport(facts, []);
    expect(report.sections.map(({ name }) => name)).toEqual(["identity", "manner", "agent", "place"]);
    expect(systemPrompt({ ...facts, toolNames: [] })).toContain("You are Chef Ö");
    expect(report.sections[0]?.bytes).toBe(Buffer.byteLength(report.sections[0]?.text ?? ""));
  });

  test("begins alike for everybody of an agent, so that a provider's cache stays warm", () => {
    const said = (chatKind: "dm" | "group", instructions: string | undefined): string => {
      const turn = { agentId: "main", address: { chatKind }, toolNames: ["time"], instructions };
      return systemPrompt(promptFacts(defaultConfig(), turn));
    };
    const place = said("dm", undefined).indexOf("This is a");
    expect(said("group", "Be formal.").slice(0, place)).toBe(said("dm", undefined).slice(0, place));
  });
});
