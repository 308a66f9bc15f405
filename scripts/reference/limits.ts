/** docs/reference/limits.md, from the constants and the comments that stand above them. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { limits } from "../../src/domain/limits.ts";
import { root } from "../source-hash.mjs";
import { code, page, table } from "./page.ts";

export function render(): string {
  const comments = commentsByKey(readFileSync(path.join(root, "src", "domain", "limits.ts"), "utf8"));
  const rows = Object.entries(limits).map(([key, value]) => [code(key), inUnits(key, value), comments.get(key) ?? ""]);
  return page("Limits", "Nothing grows without an end. These are the ends, and each has a test at its edge.", [
    table(["Limit", "Value", "What it bounds"], rows),
  ]);
}

function commentsByKey(source: string): Map<string, string> {
  const found = source.matchAll(/\/\*\*\s*((?:(?!\*\/)[\s\S])*?)\s*\*\/\s*(\w+):/g);
  return new Map([...found].map(([, comment = "", key = ""]) => [key, comment.replaceAll(/\s*\n\s*\*\s*/g, " ")]));
}

function inUnits(key: string, value: number): string {
  if (key.endsWith("Bytes")) return scaled(value, 1024, ["bytes", "KiB", "MiB", "GiB"]);
  if (!key.endsWith("Ms")) return value.toLocaleString("en-US");
  if (value % 86_400_000 === 0) return `${value / 86_400_000} d`;
  if (value % 3_600_000 === 0) return `${value / 3_600_000} h`;
  if (value % 60_000 === 0) return `${value / 60_000} min`;
  return value % 1000 === 0 ? `${value / 1000} s` : `${value} ms`;
}

function scaled(value: number, factor: number, units: readonly string[]): string {
  const step = Math.min(Math.floor(Math.log(value) / Math.log(factor)), units.length - 1);
  return `${Number((value / factor ** step).toFixed(1))} ${units[step]}`;
}
