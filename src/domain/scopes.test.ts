/** The whole table of what a granted scope is good for. */
import { describe, expect, it } from "vitest";
import { coversScope, scopes, type Scope } from "./scopes.ts";

const covered: Readonly<Record<Scope, readonly Scope[]>> = {
  "operator.admin": ["operator.admin", "operator.read", "operator.write", "operator.approvals", "operator.pairing"],
  "operator.read": ["operator.read"],
  "operator.write": ["operator.write", "operator.read"],
  "operator.approvals": ["operator.approvals"],
  "operator.pairing": ["operator.pairing"],
  node: ["node"],
};

describe("scopes", () => {
  it("R022: each granted scope covers exactly what the table says", () => {
    for (const granted of scopes) {
      for (const needed of scopes)
        expect([granted, needed, coversScope([granted], needed)]).toEqual([
          granted,
          needed,
          covered[granted].includes(needed),
        ]);
    }
  });

  it("R004: nothing granted covers nothing, and several cover what one of them does", () => {
    for (const needed of scopes) expect(coversScope([], needed)).toBe(false);
    expect(coversScope(["operator.approvals", "operator.write"], "operator.read")).toBe(true);
    expect(coversScope(["operator.approvals", "operator.pairing"], "operator.write")).toBe(false);
    expect(coversScope(["operator.admin"], "node")).toBe(false);
  });
});
