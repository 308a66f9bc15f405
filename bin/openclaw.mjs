#!/bin/sh
//usr/bin/true; self=$(readlink -f -- "$0" 2>/dev/null || echo "$0"); node="${self%/*}/../node_modules/node/bin/node"
//usr/bin/true; [ -x "$node" ] || node=$(command -v node) || { echo "openclaw needs Node.js 24 or newer; none was found (SYS_006)." >&2; exit 1; }
//usr/bin/true; exec "$node" "$self" "$@"
/**
 * The command `openclaw`. Owns the way to a Node.js that is new enough and to the built program; knows no command.
 *
 * To a shell the lines above start the bundled Node.js in place of the shell, so that there is one process whatever
 * the machine's own Node.js is; to Node.js they are comments. Everything below runs on any Node.js that loads an ES
 * module, imports nothing that is not needed, and says in one line what is missing.
 */
import { existsSync, readFileSync } from "fs";
import { fileURLToPath } from "url";

const oldestMajor = 24;
const root = new URL("../", import.meta.url);
const bundledNode = fileURLToPath(
  new URL("node_modules/node/bin/node" + (process.platform === "win32" ? ".exe" : ""), root),
);

main(process.argv.slice(2)).catch((error) => fail(error && error.stack ? error.stack : String(error)));

async function main(args) {
  const launcher = process.env.OPENCLAW_LAUNCHER_PID;
  delete process.env.OPENCLAW_LAUNCHER_PID;
  const fits = Number.parseInt(process.versions.node, 10) >= oldestMajor;
  // Launched once and still too old: the carried Node.js is not what it should be, and launching it again never ends.
  if (!fits && (!existsSync(bundledNode) || launcher !== undefined)) {
    fail(`needs Node.js ${oldestMajor} or newer; this is ${process.version} (SYS_006).`);
    return;
  }
  if (args.length === 1 && (args[0] === "--version" || args[0] === "-V")) {
    console.log(JSON.parse(readFileSync(new URL("package.json", root), "utf8")).version);
    return;
  }
  if (!fits) {
    const { launcherEnvironment, replaceProcess } = await import("./replace-process.mjs");
    const programArgs = process.execArgv.concat(fileURLToPath(import.meta.url), args);
    await replaceProcess(bundledNode, programArgs, launcherEnvironment());
    return;
  }
  if (launcher !== undefined) (await import("./replace-process.mjs")).dieWith(launcher);
  const program = new URL("dist/cli.js", root);
  if (!existsSync(program)) {
    fail(`is not built yet. Run "npm ci" in ${fileURLToPath(root)}`);
    return;
  }
  await keepWrappers();
  await useCompileCache();
  const { runCli } = await import(program.href);
  process.exitCode = await runCli(args);
}

/**
 * V8 can end the process when it exchanges the bridge between WebAssembly and JavaScript for a faster one ("Check failed:
 * jit_page.has_value()", seen in Node.js 24.21 in the parser of the HTTP client). The first bridge is kept: it is called
 * so often that no start gets there.
 */
async function keepWrappers() {
  const { setFlagsFromString } = await import("v8");
  setFlagsFromString("--wasm-wrapper-tiering-budget=2147483647");
}

/** Inside the installation and not in a shared temporary folder, where another user could plant code. */
async function useCompileCache() {
  const { enableCompileCache } = await import("module");
  enableCompileCache(fileURLToPath(new URL("dist/.compile-cache", root)));
}

function fail(sentence) {
  console.error(`openclaw ${sentence}`);
  process.exitCode = 1;
}
