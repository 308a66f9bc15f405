/** The store's file after its process was killed at any moment: what was acknowledged is there, and nothing is torn. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, expect, it } from "vitest";
import { Database } from "./database.ts";
import { recount } from "./queries/usage.ts";
import { silentLog } from "./fixtures/silent-log.ts";
import { openSqliteStore } from "./open-store.ts";

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

async function freshFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "store-kill-"));
  folders.push(folder);
  return join(folder, "store.sqlite");
}

/** Lets the child write until it has acknowledged so much, then kills it in the middle of whatever it does. */
async function killAfter(file: string, round: number, acks: number): Promise<string[]> {
  const script = new URL("./fixtures/writing-child.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, [script, file, String(round)], { stdio: ["ignore", "pipe", "inherit"] });
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (lines.length >= acks && !child.killed) child.kill("SIGKILL");
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return lines.filter((line) => line !== "started");
}

function check(file: string): void {
  const db = new Database(file, { readOnly: true, cacheKiB: 8_192, busyTimeoutMs: 1_000 });
  try {
    expect(db.get("PRAGMA integrity_check")).toMatchObject({ integrity_check: "ok" });
    // Each answered message has exactly its turn, its part, its call, and its line; each line has its turn.
    const torn = db.all(
      `SELECT inbox.message_id FROM inbox
       LEFT JOIN turn USING (seq) LEFT JOIN outbox ON outbox.run_id = inbox.run_id
       LEFT JOIN ledger ON ledger.run_id = inbox.run_id LEFT JOIN inbox_body USING (seq)
       WHERE inbox_body.seq IS NULL OR (inbox.state = 'replied') <> (turn.seq IS NOT NULL)
         OR (turn.seq IS NULL) <> (outbox.seq IS NULL) OR (turn.seq IS NULL) <> (ledger.seq IS NULL)`,
    );
    expect(torn).toEqual([]);
    // Each change has told of itself in its own commit: one arrival, one end where there is one, one part.
    const untold = db.all(
      `SELECT message_id, inbox.state FROM inbox
       LEFT JOIN (SELECT message_id, sum(type = 'inbox.queued') AS arrivals, sum(type = 'inbox.replied') AS ends,
           sum(type = 'outbox.prepared') AS parts FROM trace GROUP BY message_id) AS told USING (message_id)
       WHERE coalesce(arrivals, 0) <> 1 OR ends <> (inbox.state = 'replied') OR parts <> (inbox.state = 'replied')`,
    );
    expect(untold).toEqual([]);
    const fronts = db.all(
      `SELECT seq FROM inbox WHERE front <> (head = 1 AND seq = (
         SELECT seq FROM inbox AS other WHERE other.head = 1 AND other.sender = inbox.sender
           AND other.priority = inbox.priority ORDER BY wait_since_ms, seq LIMIT 1))`,
    );
    expect(fronts).toEqual([]);
    const counted = db.get<{ turns: number; lines: number; spent: number; summed: number; counted: number }>(
      `SELECT (SELECT count(*) FROM turn) AS turns, (SELECT count(*) FROM transcript) AS lines,
         (SELECT sum(cost_micros) FROM ledger) AS spent, (SELECT sum(cost_micros) FROM ledger_day) AS summed,
         (SELECT sum(message_count) FROM session) AS counted`,
    );
    const turns = counted?.turns;
    expect(counted).toEqual({ turns, lines: turns, spent: turns, summed: turns, counted: turns });
    expect(recount(db, null).filter(({ differing }) => differing > 0)).toEqual([]);
  } finally {
    db.close();
  }
}

it("I2, M11: kill -9 during 10,000 writes: no acknowledged entry is lost, none is torn", async () => {
  const file = await freshFile();
  const acknowledged: string[] = [];
  for (let round = 0; acknowledged.length < 10_000; round += 1) {
    // Somewhere in the stream of commits, each time somewhere else.
    acknowledged.push(...(await killAfter(file, round, 500 + ((round * 733) % 2_000))));
    check(file);
  }
  const db = new Database(file, { readOnly: true, cacheKiB: 8_192, busyTimeoutMs: 1_000 });
  const states = new Map(
    db
      .all<{ id: string; state: string; text: string | null }>(
        `SELECT message_id AS id, inbox.state, turn.text FROM inbox LEFT JOIN turn USING (seq)`,
      )
      .map((row) => [row.id, row]),
  );
  db.close();
  const lost = acknowledged.filter((line) => {
    const [what, id = ""] = line.split(" ");
    const row = states.get(id);
    return what === "finished" ? row?.text !== `answer to ${id}` : row === undefined;
  });
  expect(lost).toEqual([]);
  const store = await openSqliteStore({ file, log: silentLog });
  await store.inbox.recover("afterwards", 2);
  expect((await store.inbox.counts()).running).toBe(0);
  await store.close();
}, 60_000);
