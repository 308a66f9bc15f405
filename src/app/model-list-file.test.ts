import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { modelListFile } from "./model-list-file.ts";

describe("the file of the lists of models", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), "model-lists-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const file = (): string => path.join(folder, "state", "model-lists.json");

  it("is not there at first, and then what was written, for its owner alone", async () => {
    const store = modelListFile(folder);
    expect(await store.read()).toBeNull();
    await store.write({ version: 1, lists: {} });
    expect(await store.read()).toEqual({ version: 1, lists: {} });
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    await store.write({ version: 1, lists: { a: 1 } });
    expect(JSON.parse(readFileSync(file(), "utf8"))).toEqual({ version: 1, lists: { a: 1 } });
  });

  it("a file that is no JSON is a typed error, and is written over", async () => {
    const store = modelListFile(folder);
    await store.write({});
    writeFileSync(file(), "{ half");
    await expect(store.read()).rejects.toMatchObject({ code: "STORE_001" });
    await store.write({ whole: true });
    expect(await store.read()).toEqual({ whole: true });
  });
});
