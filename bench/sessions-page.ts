/** One page of `sessions.list` in a store with very many sessions, straight from the store. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { silentLog } from "../src/platform/log.ts";
import { openSqliteStore } from "../src/store/sqlite/open-store.ts";
import type { Figure } from "./measures.ts";
import { median } from "./stats.ts";

export async function sessionsPage(sessions: number): Promise<readonly Figure[]> {
  const folder = await mkdtemp(path.join(tmpdir(), "openclaw-bench-sessions-"));
  const store = await openSqliteStore({ file: path.join(folder, "store.sqlite"), log: silentLog() });
  try {
    const batch = 1_000;
    for (let from = 0; from < sessions; from += batch) {
      await Promise.all(
        Array.from({ length: Math.min(batch, sessions - from) }, (_, index) => {
          const number = from + index;
          return store.sessions.open(`agent:main:irc:default:dm:user${number}`, "main", {
            sessionId: `s${number}`,
            atMs: 1_000_000 + number,
          });
        }),
      );
    }
    const times: number[] = [];
    let cursor: string | null = null;
    for (let page = 0; page < 200; page += 1) {
      const from = performance.now();
      const answer: Awaited<ReturnType<typeof store.sessions.list>> = await store.sessions.list({
        limit: 50,
        ...(cursor === null ? {} : { cursor }),
      });
      times.push(performance.now() - from);
      cursor = answer.nextCursor;
    }
    return [
      {
        name: `sessions.list page of 50 among ${sessions.toLocaleString("en-US")}`,
        unit: "ms",
        value: median(times),
        target: { at: "most", value: 5 },
        note: "median of 200 pages",
      },
    ];
  } finally {
    await store.close();
    await rm(folder, { recursive: true, force: true });
  }
}
