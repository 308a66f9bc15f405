/**
 * The settings a repository brings along. `git status` runs what they name (a file monitor, a filter, a hook), so a grant for
 * git holds only where they name nothing; they are part of what consent is for.
 */
import { lstat, readdir, stat } from "node:fs/promises";
import path from "node:path";
import { readFileBounded } from "../../platform/atomic-file.ts";

/** The end of a sentence about git in this folder, or null where its settings are innocent. */
export async function gitFolderRisk(cwd: string): Promise<string | null> {
  for (let folder = cwd; ; folder = path.dirname(folder)) {
    if (await isThere(path.join(folder, "HEAD"))) {
      // Where the last is, the others may lie elsewhere.
      const parts = await Promise.all(["objects", "refs", "commondir"].map((name) => isThere(path.join(folder, name))));
      if (parts.includes(true)) return bare;
    }
    const git = await stat(path.join(folder, ".git")).catch(() => null);
    if (git !== null) {
      const risk = git.isDirectory() ? await riskOf(folder) : "leads to a repository elsewhere";
      // One that is not whole is passed over by git, which goes on looking further up.
      if (risk !== null || (await isWhole(path.join(folder, ".git")))) return risk;
    }
    if (folder === path.dirname(folder)) return null;
  }
}

/** Whether git would take it for a repository, by everything that it looks at. */
async function isWhole(git: string): Promise<boolean> {
  const folders = await Promise.all(["objects", "refs"].map((name) => stat(path.join(git, name)).catch(() => null)));
  if (!folders.every((found) => found?.isDirectory() === true)) return false;
  const head = await readFileBounded(path.join(git, "HEAD"), mostHeadBytes).catch(() => null);
  return head !== null && /^(?:ref:\s*refs\/|[0-9a-f]{40})/.test(head.toString("latin1"));
}

const mostHeadBytes = 4_096;

const bare = "is a bare repository with settings of its own";

async function riskOf(folder: string): Promise<string | null> {
  const git = path.join(folder, ".git");
  const foreign = ["modules", "worktrees", "commondir", "config.worktree", "info/attributes"];
  const found = await Promise.all([
    ...foreign.map((name) => isThere(path.join(git, name))),
    isThere(path.join(folder, ".gitmodules")),
  ]);
  if (found.includes(true)) return "has parts with settings of their own";
  const hooks = await readdir(path.join(git, "hooks")).catch(() => []);
  if (hooks.some((name) => !name.endsWith(".sample"))) return "has hooks, which are programs";
  const bytes = await readFileBounded(path.join(git, "config"), mostConfigBytes).catch(() => undefined);
  if (bytes === undefined) return "has settings that cannot be read";
  return bytes === null || isInnocent(bytes.toString("utf8")) ? null : "has settings that can start programs";
}

const mostConfigBytes = 64 * 1024;

function isInnocent(text: string): boolean {
  let section = "";
  for (const raw of text.split("\n")) {
    const line = raw.trim();
    if (line === "" || /^[#;]/.test(line)) continue;
    if (line.endsWith("\\")) return false;
    const header = /^\[([a-z0-9.-]+)(?:\s+"[^"\\]*")?\]$/i.exec(line);
    if (header !== null) {
      section = (header[1] ?? "").toLowerCase();
      continue;
    }
    const setting = /^([a-z][a-z0-9-]*)\s*(?:=\s*(.*))?$/i.exec(line);
    if (setting === null || !innocent.has(`${section}.${(setting[1] ?? "").toLowerCase()}`)) return false;
    if ((setting[2] ?? "").includes("::")) return false;
  }
  return true;
}

// oxfmt-ignore
const innocent = new Set([
  "core.repositoryformatversion", "core.filemode", "core.bare", "core.logallrefupdates", "core.ignorecase", "core.precomposeunicode", "core.symlinks", "core.autocrlf",
  "core.eol", "core.safecrlf", "core.quotepath", "remote.url", "remote.fetch", "remote.tagopt", "remote.prune", "branch.remote", "branch.merge", "branch.rebase", "user.name", "user.email",
  "init.defaultbranch", "pull.rebase", "pull.ff", "push.default", "push.autosetupremote", "fetch.prune", "color.ui", "extensions.objectformat", "rerere.enabled", "gc.auto",
]);

/** A link too that leads nowhere: git takes one for a `HEAD`. */
async function isThere(place: string): Promise<boolean> {
  return (await lstat(place).catch(() => null)) !== null;
}
