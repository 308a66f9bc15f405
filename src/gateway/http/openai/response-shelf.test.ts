/** A shelf never holds much more than its capacity, over restarts too, and drops the oldest. */
import { expect, it } from "vitest";
import type { DocumentStore } from "../../../store/document-port.ts";
import { createShelf } from "./response-shelf.ts";

const options = { namespace: "things", capacity: 20, pageSize: 5 };

function memoryDocuments(): { documents: DocumentStore; keys: (namespace: string) => string[] } {
  const kept = new Map<string, unknown>();
  const documents = {
    get: async (namespace: string, key: string) => kept.get(`${namespace}/${key}`),
    put: async (namespace: string, key: string, value: unknown) => void kept.set(`${namespace}/${key}`, value),
    delete: async (namespace: string, key: string) => void kept.delete(`${namespace}/${key}`),
  } as unknown as DocumentStore;
  const keys = (namespace: string): string[] =>
    [...kept.keys()].filter((key) => key.startsWith(`${namespace}/`)).map((key) => key.slice(namespace.length + 1));
  return { documents, keys };
}

it("keeps the newest and drops the oldest, a page at a time", async () => {
  const { documents, keys } = memoryDocuments();
  const shelf = createShelf(documents, options);
  for (let index = 0; index < 100; index += 1) await shelf.put(`k${index}`, index, 0);
  const kept = keys("things");
  expect(kept.length).toBeLessThanOrEqual(20);
  expect(kept.length).toBeGreaterThan(15);
  expect(kept.at(-1)).toBe("k99");
  expect(kept[0]).toBe(`k${100 - kept.length}`);
  expect(keys("things-pages").length).toBeLessThanOrEqual(5);
});

it("goes on where the process before it stopped", async () => {
  const { documents, keys } = memoryDocuments();
  for (let index = 0; index < 97; index += 1) {
    const shelf = createShelf(documents, options);
    await shelf.put(`k${index}`, index, 0);
  }
  expect(keys("things").length).toBeLessThanOrEqual(20);
  expect(keys("things")).toContain("k96");
});

it("loses nothing of what many put at once", async () => {
  const { documents, keys } = memoryDocuments();
  const shelf = createShelf(documents, { ...options, capacity: 1_000 });
  await Promise.all(Array.from({ length: 200 }, (_, index) => shelf.put(`k${index}`, index, 0)));
  expect(keys("things")).toHaveLength(200);
  const listed = await Promise.all(
    keys("things-pages")
      .filter((key) => key !== "head")
      .map((key) => documents.get("things-pages", key)),
  );
  expect(new Set(listed.flat())).toEqual(new Set(keys("things")));
});

it("stays within its capacity when many put at once", async () => {
  const { documents, keys } = memoryDocuments();
  const shelf = createShelf(documents, options);
  for (let wave = 0; wave < 40; wave += 1) {
    await Promise.all(Array.from({ length: 12 }, (_, index) => shelf.put(`k${wave}-${index}`, index, 0)));
  }
  expect(keys("things").length).toBeLessThanOrEqual(25);
  expect(keys("things-pages").length).toBeLessThanOrEqual(6);
});
