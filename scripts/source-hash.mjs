/**
 * What a build or a test run was made from, as one SHA-256. Owns which files count; reads contents and not times,
 * because a fresh clone and a restored cache have the same contents and any times.
 * Plain JavaScript: it runs before anything is installed, on any Node.js from 20 on.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** Everything that can change what stands in dist/. */
export function buildInputHash() {
  const files = [
    "package.json",
    "package-lock.json",
    "scripts/build.mjs",
    ...filesBelow("src").filter((file) => !/\.test\.ts$|[\\/]fixtures[\\/]/.test(file)),
    ...filesBelow("ui"),
  ];
  return hashFiles(files);
}

/** Everything that git knows or would add: what a test run may depend on. */
export function treeHash() {
  const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  return hashFiles([...new Set(listed.split("\0"))].filter((file) => file !== ""));
}

/**
 * @param {readonly string[]} files relative to `base`
 */
export function hashFiles(files, base = root) {
  const hash = createHash("sha256");
  for (const file of files.toSorted()) {
    const full = path.join(base, file);
    if (!existsSync(full)) continue;
    // The length keeps "ab" + "c" apart from "a" + "bc".
    const content = readFileSync(full);
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex");
}

function filesBelow(folder) {
  const full = path.join(root, folder);
  if (!existsSync(full)) return [];
  return readdirSync(full, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === "node_modules" || entry.name === "dist") return [];
    const relative = path.join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(relative) : [relative];
  });
}
