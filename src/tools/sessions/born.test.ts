/** What is passed on to a turn that another one starts, over parents made by chance. */
import { describe, expect, it } from "vitest";
import type { Taint } from "../../domain/taint.ts";
import type { BornRights } from "../../domain/turn-origin.ts";
import { seededIds } from "../../platform/seeded-ids.ts";
import { toolContext } from "../tool-context.fixture.ts";
import { asUuid, bornOf, orderId } from "./born.ts";

const names = ["read", "write", "exec", "message", "memory", "fetch", "sessions_spawn"];
const sources = ["page a", "page b", "mail c", "file d"];

describe("rights by birth", () => {
  it("R120 G9: a child of whatever parent has no tool that its parent has not, and all that its parent had read", () => {
    const ids = seededIds(7);
    const some = <T>(from: readonly T[]): T[] => from.filter(() => ids.random() < 0.5);
    const taint = (): Taint[] =>
      some(sources).map((source) => ({ class: ids.random() < 0.5 ? "foreign" : "local", source }));
    for (let round = 0; round < 2_000; round += 1) {
      const born: BornRights | null =
        ids.random() < 0.5
          ? null
          : {
              parentRunId: "r",
              parentSessionKey: "s",
              depth: 1 + Math.floor(ids.random() * 4),
              tools: some(names),
              taint: taint(),
            };
      const parent = toolContext({ toolNames: some(names), taint: taint(), born });
      const child = bornOf(parent);
      const may = (name: string): boolean =>
        parent.toolNames.includes(name) && (born === null || born.tools.includes(name));
      expect(child.tools.filter((name) => !may(name))).toEqual([]);
      expect(child.tools).toEqual(parent.toolNames.filter(may));
      expect(child.taint).toEqual(expect.arrayContaining([...parent.taint, ...(born?.taint ?? [])]));
      expect(child.depth).toBe((born?.depth ?? 0) + 1);
      // A grandchild through any such child has no more either.
      const grandchild = bornOf(toolContext({ toolNames: names, taint: [], born: child }));
      expect(grandchild.tools.filter((name) => !child.tools.includes(name))).toEqual([]);
      expect(grandchild.taint).toEqual(child.taint);
    }
  });

  it("R093: an order's id follows from its call alone, and holds nothing that a path could be made of", () => {
    const call = { runId: "../../run", callId: "c/../1" };
    expect(orderId("child", call)).toBe(orderId("child", { ...call }));
    expect(orderId("child", call)).not.toBe(orderId("child", { ...call, callId: "c2" }));
    expect(orderId("child", call)).not.toBe(orderId("send", call));
    expect(asUuid(orderId("child", call))).toMatch(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  });
});
