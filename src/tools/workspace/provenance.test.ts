import { beforeEach, describe, expect, it } from "vitest";
import { limits } from "../../domain/limits.ts";
import type { Taint } from "../../domain/taint.ts";
import { FakeClock } from "../../platform/fake-clock.ts";
import type { DocumentStore } from "../../store/document-port.ts";
import { createProvenance, originAfter, type Provenance } from "./provenance.ts";

const page = (name: string): Taint => ({ class: "foreign", source: `web page ${name}` });

let rows: Map<string, { value: unknown; atMs: number }>;
let isBroken = false;
const documents: DocumentStore = {
  get: (_namespace, key) => Promise.resolve(rows.get(key)?.value),
  list: () => Promise.resolve([...rows].map(([key, row]) => ({ key, ...row }))),
  put: (_namespace, key, value, atMs) => {
    if (isBroken) return Promise.reject(new Error("no"));
    rows.set(key, { value, atMs });
    return Promise.resolve();
  },
  delete: (_namespace, key) => {
    rows.delete(key);
    return Promise.resolve();
  },
};
const open = (most?: number): Provenance =>
  createProvenance({ documents, clock: new FakeClock(), ...(most === undefined ? {} : { most }) });

beforeEach(() => {
  rows = new Map();
  isBroken = false;
});

describe("provenance", () => {
  it("P15: is kept over a restart, and forgotten when the words are gone", async () => {
    await open().mark("/w/a", page("1"));
    const again = open();
    expect(await again.of("/w/a")).toEqual(page("1"));
    expect(await again.of("/w/ab")).toBeNull();
    await again.mark("/w/a", null);
    expect([await again.of("/w/a"), rows.size]).toEqual([null, 0]);
    await again.mark("/w/b", { class: "local", source: "file x" });
    expect(rows.size).toBe(0);
  });

  it("P15: beyond its bound whole folders count as foreign; nothing is forgotten", async () => {
    const provenance = open(10);
    for (let index = 0; index < 200; index += 1) await provenance.mark(`/w/${index % 7}/${index}`, page(`${index}`));
    for (let index = 0; index < 200; index += 1) {
      expect((await provenance.of(`/w/${index % 7}/${index}`))?.class).toBe("foreign");
    }
    expect(rows.size).toBeLessThanOrEqual(10);
    expect(await open(10).of("/w/3/17")).not.toBeNull();
  });

  it("P15: up to its bound each file is known by itself", async () => {
    const provenance = open();
    for (let index = 0; index < limits.foreignFiles; index += 1) await provenance.mark(`/w/${index}`, page("1"));
    expect(await provenance.of("/w/clean")).toBeNull();
    await provenance.mark("/w/one-more", page("1"));
    expect(await provenance.of("/w/clean")).toEqual(page("1"));
  });

  it("what could not be kept is not taken for kept", async () => {
    const provenance = open();
    isBroken = true;
    await expect(provenance.mark("/w/a", page("1"))).rejects.toThrow("no");
    expect(await provenance.of("/w/a")).toBeNull();
  });

  it("several origins stay one short line", () => {
    const local: Taint = { class: "local", source: "file x" };
    expect(originAfter([local], null)).toBeNull();
    expect(originAfter([local, page("1")], null)).toEqual(page("1"));
    expect(originAfter([page("1")], page("1"))).toEqual(page("1"));
    const both = originAfter([page("2")], page("1"));
    expect(both).toEqual({ class: "foreign", source: "web page 1 and others" });
    expect(originAfter([page("3")], both)).toEqual(both);
  });
});
