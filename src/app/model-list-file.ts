/** The lists that providers have of their own models, in one small file of the state directory. Nobody's truth: it may be deleted. */
import path from "node:path";
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import { ensurePrivateDir, readFileBounded, writeFileAtomic } from "../platform/atomic-file.ts";
import type { ModelListStore } from "../providers/model-lists.ts";

export function modelListFile(stateDir: string): ModelListStore {
  const file = path.join(stateDir, "state", "model-lists.json");
  return {
    async read() {
      const bytes = await readFileBounded(file, limits.modelListBytes);
      if (bytes === null) return null;
      try {
        return JSON.parse(bytes.toString("utf8")) as unknown;
      } catch (cause) {
        throw new AppError("STORE_001", `${file} is no JSON.`, { cause });
      }
    },
    async write(document) {
      await ensurePrivateDir(path.dirname(file));
      await writeFileAtomic(file, JSON.stringify(document));
    },
  };
}

/** Of a house that lists nothing: a command that logs in, a test. */
export const noModelLists: ModelListStore = Object.freeze({
  read: () => Promise.resolve(null),
  write: () => Promise.resolve(),
});
