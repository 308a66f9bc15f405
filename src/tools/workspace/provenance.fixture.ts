/** A record of origins that is kept in memory, and one that knows of none. For tests. */
import type { Taint } from "../../domain/taint.ts";
import type { Provenance } from "./provenance.ts";

export const noProvenance: Provenance = {
  mark: () => Promise.resolve(),
  of: () => Promise.resolve(null),
};

export function memoryProvenance(): Provenance & { readonly marks: Map<string, Taint> } {
  const marks = new Map<string, Taint>();
  return {
    marks,
    mark: (path, taint) => {
      if (taint === null) marks.delete(path);
      else marks.set(path, taint);
      return Promise.resolve();
    },
    of: (path) => Promise.resolve(marks.get(path) ?? null),
  };
}
