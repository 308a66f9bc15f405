/**
 * Makes a clone ready before an npm script runs: installs what is missing, builds what is stale, then goes on as the
 * script, in the bundled Node.js. Does nothing, quickly, when all is there. Refuses to guess: a failed install or
 * build ends the script with its exit code.
 *
 *   node scripts/ensure.mjs                    install and build where needed
 *   node scripts/ensure.mjs --run FILE ARG…    the same, then run FILE
 *   node scripts/ensure.mjs --prepare          called by npm at the end of an install
 *
 * Plain JavaScript without a dependency: it runs before anything is installed, on any Node.js from 20 on.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { launcherEnvironment, replaceProcess } from "../bin/replace-process.mjs";
import { hashFiles, root } from "./source-hash.mjs";

const bundledNode = nodeIn(root);

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));

async function main(args) {
  if (args[0] === "--prepare") {
    await prepare();
    return;
  }
  if (!isInstalled()) install();
  await buildIfStale();
  if (args[0] !== "--run") return;
  const [file, ...rest] = args.slice(1);
  const env = file.startsWith("bin/") ? launcherEnvironment() : process.env;
  await replaceProcess(bundledNode, [path.join(root, file), ...rest], env);
}

/**
 * Whether node_modules is what the lock says. The stamp answers at once; without it, or after a package was added
 * by hand, npm's own record of what it installed is compared with the lock.
 */
export function isInstalled(base = root) {
  const record = path.join(base, "node_modules", ".package-lock.json");
  if (!existsSync(record) || !existsSync(nodeIn(base))) return false;
  if (readJson(stampIn(base))?.lock === hashFiles(["package-lock.json"], base)) return true;
  if (!installedMatchesLock(readJson(path.join(base, "package-lock.json")), readJson(record))) return false;
  writeStamp(base);
  return true;
}

/** Every package of the lock is there in its version; those for other machines may be missing. */
export function installedMatchesLock(lock, record) {
  const installed = record?.packages ?? {};
  return Object.entries(lock?.packages ?? {}).every(([place, wanted]) => {
    if (place === "") return true;
    const found = installed[place];
    if (found === undefined) return wanted.optional === true;
    return found.version === wanted.version && found.integrity === wanted.integrity;
  });
}

function install() {
  console.error("openclaw: installing what is missing (npm ci) …");
  const options = ["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"];
  const npm = process.env.npm_execpath;
  const usable = npm !== undefined && /npm-cli\.c?js$/.test(npm) && existsSync(npm);
  const [command, args] = usable ? [process.execPath, [npm, ...options]] : ["npm", options];
  // Its progress is not our answer: standard output stays free for what the script prints.
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: !usable && process.platform === "win32",
  });
  if (result.status !== 0) stop(`npm ci failed${result.error ? `: ${result.error.message}` : ""}`, result.status ?? 1);
  if (!existsSync(bundledNode)) stop("npm ci left no node_modules/node: were install scripts switched off?", 1);
  writeStamp(root);
}

/** An install without the build's own packages (`--omit=dev`) has nothing to build with; that is not an error. */
async function prepare() {
  if (!existsSync(path.join(root, "node_modules", "esbuild")) || !existsSync(path.join(root, "src"))) {
    console.error("openclaw: not built, because the packages that build it were left out");
    return;
  }
  await buildIfStale();
}

/** In a process of its own: the builder's service would otherwise live on as a child of the program we become. */
async function buildIfStale() {
  const { isBuilt } = await import("./build.mjs");
  if (await isBuilt()) return;
  const node = existsSync(bundledNode) ? bundledNode : process.execPath;
  const { status } = spawnSync(node, [path.join(root, "scripts", "build.mjs")], { cwd: root, stdio: ["ignore", 2, 2] });
  if (status !== 0) process.exit(status ?? 1);
}

function writeStamp(base) {
  const target = stampIn(base);
  const draft = `${target}.${process.pid}.draft`;
  writeFileSync(draft, `${JSON.stringify({ lock: hashFiles(["package-lock.json"], base) })}\n`);
  renameSync(draft, target);
}

function stampIn(base) {
  return path.join(base, "node_modules", ".openclaw-install.json");
}

function nodeIn(base) {
  return path.join(base, "node_modules", "node", "bin", process.platform === "win32" ? "node.exe" : "node");
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    // A file that is gone or cut off answers nothing; the caller then does the work again.
    if (error.code !== "ENOENT" && !(error instanceof SyntaxError)) throw error;
    return null;
  }
}

function stop(sentence, exitCode) {
  console.error(`openclaw: ${sentence}`);
  process.exit(exitCode);
}
