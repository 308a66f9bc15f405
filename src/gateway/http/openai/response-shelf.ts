/**
 * Documents in the order they were put, of which the oldest go when there are too many. The order is kept in pages of
 * a few dozen keys, so that putting one more document writes one small page and not a list of all of them.
 */
import { z } from "zod";
import type { DocumentStore } from "../../../store/document-port.ts";

export interface Shelf {
  /** Durable when it resolves. Documents beyond the capacity are gone soon after, oldest first. */
  put(key: string, value: unknown, atMs: number): Promise<void>;
}

export interface ShelfOptions {
  readonly namespace: string;
  readonly capacity: number;
  /** Keys in one page; also how many documents go at once. */
  readonly pageSize: number;
}

const headSchema = z.object({ first: z.int(), last: z.int() });
const pageSchema = z.array(z.string());

/** One per process and namespace: it keeps the newest page in memory. */
export function createShelf(documents: DocumentStore, { namespace, capacity, pageSize }: ShelfOptions): Shelf {
  const pages = `${namespace}-pages`;
  const mostPages = Math.ceil(capacity / pageSize);
  let head = { first: 0, last: 0 };
  let page: string[] = [];
  let opening: Promise<void> | null = null;
  let dropping: Promise<void> = Promise.resolve();

  const readPage = async (index: number): Promise<string[]> => {
    const kept = pageSchema.safeParse(await documents.get(pages, String(index)));
    return kept.success ? kept.data : [];
  };
  const open = async (): Promise<void> => {
    const kept = headSchema.safeParse(await documents.get(pages, "head"));
    if (kept.success) head = kept.data;
    page = await readPage(head.last);
  };
  const turnPage = async (atMs: number): Promise<void> => {
    head = { ...head, last: head.last + 1 };
    page = [];
    await documents.put(pages, "head", head, atMs);
    // One at a time, and none for the failure of the one before.
    dropping = dropping
      .catch(() => undefined)
      .then(async () => {
        while (head.last - head.first >= mostPages) await dropOldest(atMs);
      });
    await dropping;
  };
  const dropOldest = async (atMs: number): Promise<void> => {
    for (const key of await readPage(head.first)) await documents.delete(namespace, key);
    await documents.delete(pages, String(head.first));
    head = { ...head, first: head.first + 1 };
    await documents.put(pages, "head", head, atMs);
  };
  return {
    put: async (key, value, atMs) => {
      opening ??= open().catch((error: unknown) => {
        opening = null;
        throw error;
      });
      await opening;
      if (page.length >= pageSize) await turnPage(atMs);
      page.push(key);
      // The page first: a crash in between leaves a key without a document, never a document that nobody drops.
      const listed = documents.put(pages, String(head.last), [...page], atMs);
      await Promise.all([listed, documents.put(namespace, key, value, atMs)]);
    },
  };
}
