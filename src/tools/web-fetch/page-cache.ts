/** The pages that were read last, for a model that looks twice. Bounded by number, by length and by minutes. */
import { limits } from "../../domain/limits.ts";
import type { FetchedPage } from "./fetch-page.ts";

export interface PageCache {
  get(url: string, nowMs: number): FetchedPage | null;
  put(url: string, page: FetchedPage, nowMs: number): void;
}

export function createPageCache(): PageCache {
  const kept = new Map<string, { readonly page: FetchedPage; readonly atMs: number }>();
  return {
    get(url, nowMs) {
      const found = kept.get(url);
      if (found === undefined) return null;
      if (nowMs - found.atMs < limits.webCacheMs) return found.page;
      kept.delete(url);
      return null;
    },
    put(url, page, nowMs) {
      kept.delete(url);
      kept.set(url, { page, atMs: nowMs });
      let chars = 0;
      for (const [key, { page: each }] of [...kept].toReversed()) {
        chars += each.text.length;
        if (chars > limits.webPageChars) kept.delete(key);
      }
      for (const key of [...kept.keys()].slice(0, Math.max(0, kept.size - limits.webCacheEntries))) kept.delete(key);
    },
  };
}
