/** Where a thread's code lies: beside the bundle that was loaded, or, run from source, the TypeScript file itself. */

/** `here` is the caller's `import.meta.url`. */
export function workerUrl(here: string, source: string, bundled: string): URL {
  return new URL(here.endsWith(".ts") ? source : `./${bundled}`, here);
}
