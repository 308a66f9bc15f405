/**
 * Makes dist/: one bundle per entry, shared and lazy parts as chunks beside them, and the static pages.
 * Files are replaced one by one and the previous build's chunks are kept until the next, so that a gateway that
 * runs from dist/ can still load a part it has not needed so far.
 */
import { existsSync, readFileSync } from "node:fs";
import { cp, mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { buildInputHash, root } from "./source-hash.mjs";

const dist = path.join(root, "dist");
const stampFile = path.join(dist, ".build.json");

/** Bundle name → where it begins. A worker's bundle is started by `new URL("./<name>.js", import.meta.url)`. */
const entries = {
  cli: "src/cli/main.ts",
  gateway: "src/app/gateway-main.ts",
  "store-writer": "src/store/sqlite/writer-thread.ts",
  "store-reader": "src/store/sqlite/reader-thread.ts",
  "grep-matcher": "src/tools/grep/matcher-thread.ts",
  "page-reader": "src/tools/web-fetch/page-thread.ts",
  "memory-index": "src/memory/index/index-thread.ts",
};

/** Loaded from node_modules as they are: they find files of their own beside them, or load native code. */
const external = [
  "bullmq",
  "grammy",
  "ioredis",
  "pino-pretty",
  "baileys",
  "@napi-rs/keyring",
  "sharp",
  "playwright-core",
  "sqlite-vec",
];

/** Folders of ui/ that are served as they are. */
const staticPages = ["chat"];

/** Whether dist/ was made from what stands in the tree now. */
export async function isBuilt() {
  const stamp = await readStamp();
  return stamp !== null && stamp.hash === buildInputHash();
}

async function build() {
  const started = performance.now();
  const hash = buildInputHash();
  const previous = await readStamp();
  const bundled = await bundle();
  const pages = await copyPages();
  await removeOld(new Set([...bundled, ...pages, ...(previous?.files ?? [])]));
  await writeFile(stampFile, `${JSON.stringify({ hash, files: [...bundled, ...pages] })}\n`);
  console.error(`built dist/ in ${Math.round(performance.now() - started)} ms`);
}

/**
 * `const { Agent } = await import("undici")` works from source, where Node looks into a CommonJS package for its
 * names, and fails in a bundle, which gives such a package a default export alone. Better that the build fails.
 */
const lateCommonJs = {
  name: "late-commonjs",
  setup(build) {
    build.onResolve({ filter: /^[^./]/ }, async ({ path: name, kind, resolveDir }) => {
      if (kind !== "dynamic-import" || isBuiltin(name)) return undefined;
      const found = await build.resolve(name, { kind: "import-statement", resolveDir });
      if (found.errors.length > 0 || found.external || !isCommonJs(found.path)) return undefined;
      const text = `${name} is CommonJS: import it at the top of a module of our own, and import that one late`;
      return { errors: [{ text }] };
    });
  },
};

/** zod speaks sixty languages; what we say of a mistake is English. Half of its size, read with every start. */
const oneLanguage = {
  name: "one-language",
  setup(build) {
    build.onLoad({ filter: /[/\\]zod[/\\]v4[/\\]locales[/\\]index\.js$/ }, () => ({
      contents: 'export { default as en } from "./en.js";',
      resolveDir: path.join(root, "node_modules/zod/v4/locales"),
    }));
  },
};

function isCommonJs(file) {
  if (/\.[mc]js$/.test(file)) return file.endsWith(".cjs");
  for (let folder = path.dirname(file); folder !== path.dirname(folder); folder = path.dirname(folder)) {
    const description = path.join(folder, "package.json");
    if (existsSync(description)) return JSON.parse(readFileSync(description, "utf8")).type !== "module";
  }
  return true;
}

/** For a script: what esbuild has already said in full is not said again with a stack. */
async function buildOrStop() {
  try {
    await build();
  } catch (error) {
    if (!Array.isArray(error.errors)) throw error;
    console.error("openclaw: the build failed");
    process.exit(1);
  }
}

/** Returns the names of the files it made, relative to dist/. */
async function bundle() {
  const { build: esbuild } = await import("esbuild");
  const { outputFiles } = await esbuild({
    absWorkingDir: root,
    entryPoints: entries,
    outdir: dist,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    mainFields: ["module", "main"],
    external,
    plugins: [lateCommonJs, oneLanguage],
    entryNames: "[name]",
    chunkNames: "[name]-[hash]",
    sourcemap: "linked",
    sourcesContent: false,
    legalComments: "none",
    minifySyntax: true,
    minifyWhitespace: true,
    define: { __OPENCLAW_BUNDLED__: "true" },
    // CommonJS packages inside the bundle call require() for Node's own modules.
    banner: {
      js: 'import { createRequire as openclawCreateRequire } from "node:module"; const require = openclawCreateRequire(import.meta.url);',
    },
    logLevel: "warning",
    write: false,
  });
  await mkdir(dist, { recursive: true });
  const names = [];
  for (const file of outputFiles) {
    names.push(path.relative(dist, file.path));
    await replaceFile(file.path, file.contents);
  }
  return names;
}

async function copyPages() {
  const copied = [];
  for (const page of staticPages) {
    const from = path.join(root, "ui", page);
    if (!existsSync(from)) continue;
    await cp(from, path.join(dist, "ui", page), { recursive: true });
    const names = await readdir(from, { recursive: true, withFileTypes: true });
    for (const entry of names) {
      if (!entry.isFile()) continue;
      copied.push(path.join("ui", page, path.relative(from, path.join(entry.parentPath ?? entry.path, entry.name))));
    }
  }
  return copied;
}

/** A reader sees the old file or the new one, never half of it. */
async function replaceFile(file, contents) {
  if (existsSync(file) && Buffer.compare(await readFile(file), contents) === 0) return;
  const draft = `${file}.${process.pid}.draft`;
  await writeFile(draft, contents);
  await rename(draft, file);
}

async function removeOld(kept) {
  for (const entry of await readdir(dist, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const name = path.relative(dist, path.join(entry.parentPath ?? entry.path, entry.name));
    if (kept.has(name) || name.startsWith(".")) continue;
    await rm(path.join(dist, name), { force: true });
  }
}

async function readStamp() {
  try {
    return JSON.parse(await readFile(stampFile, "utf8"));
  } catch (error) {
    // No stamp, or half of one: the build is unknown and made again.
    if (error.code !== "ENOENT" && !(error instanceof SyntaxError)) throw error;
    return null;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildOrStop();
