import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { installedMatchesLock, isInstalled } from "../../scripts/ensure.mjs";
import { hashFiles } from "../../scripts/source-hash.mjs";
import { temporaryFolder } from "./temporary-folder.ts";

const lock = (version: string) =>
  JSON.stringify({ packages: { "": {}, "node_modules/a": { version, integrity: version } } });
const installation = {
  "package-lock.json": lock("1.0.0"),
  "node_modules/.package-lock.json": JSON.stringify({
    packages: { "node_modules/a": { version: "1.0.0", integrity: "1.0.0" } },
  }),
  "node_modules/node/bin/node": "",
};

describe("what is installed", () => {
  it("is enough when it is what the lock says, and is stamped", () => {
    const folder = temporaryFolder(installation);
    expect(isInstalled(folder)).toBe(true);
    const stamp = JSON.parse(
      readFileSync(path.join(folder, "node_modules", ".openclaw-install.json"), "utf8"),
    ) as unknown;
    expect(stamp).toEqual({ lock: hashFiles(["package-lock.json"], folder) });
  });

  it("is believed by its stamp alone, and no longer when the lock has changed", () => {
    const folder = temporaryFolder(installation);
    expect(isInstalled(folder)).toBe(true);
    writeFileSync(path.join(folder, "node_modules", ".package-lock.json"), "{}");
    expect(isInstalled(folder)).toBe(true);
    writeFileSync(path.join(folder, "package-lock.json"), lock("1.0.1"));
    expect(isInstalled(folder)).toBe(false);
  });

  it.each([
    ["nothing at all", "node_modules/.package-lock.json"],
    ["no carried Node.js", "node_modules/node/bin/node"],
  ])("is not enough with %s", (_what, missing) => {
    const files = Object.fromEntries(Object.entries(installation).filter(([name]) => name !== missing));
    expect(isInstalled(temporaryFolder(files))).toBe(false);
  });

  it("is not enough when the record of it is cut off", () => {
    expect(isInstalled(temporaryFolder({ ...installation, "node_modules/.package-lock.json": '{ "pack' }))).toBe(false);
  });

  it("may lack packages for other machines, and no others", () => {
    const record = { packages: { "node_modules/a": { version: "1.0.0" } } };
    const wanted = (optional: boolean) => ({
      packages: { "": {}, "node_modules/a": { version: "1.0.0" }, "node_modules/b": { version: "1.0.0", optional } },
    });
    expect(installedMatchesLock(wanted(true), record)).toBe(true);
    expect(installedMatchesLock(wanted(false), record)).toBe(false);
  });
});

describe("the hash of a tree", () => {
  it("follows names and contents, and keeps neighbours apart", () => {
    const hashOf = (files: Readonly<Record<string, string>>) => hashFiles(Object.keys(files), temporaryFolder(files));
    const first = hashOf({ a: "x", b: "y" });
    expect(hashOf({ b: "y", a: "x" })).toBe(first);
    expect(hashOf({ a: "xb", b: "y" })).not.toBe(first);
    expect(hashOf({ a: "x", c: "y" })).not.toBe(first);
    expect(hashOf({ a: "xy", b: "" })).not.toBe(hashOf({ a: "x", b: "y" }));
  });
});
