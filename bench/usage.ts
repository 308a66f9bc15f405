/**
 * What usage costs on this machine: the answers over a million calls beside a full recount, and the import of a transcript
 * of a gigabyte. `node bench/usage.ts [folder]`.
 */
import { execFileSync } from "node:child_process";
import { createWriteStream, mkdtempSync, rmSync, statSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { importUsage } from "../src/app/usage-import.ts";
import type { Store } from "../src/store/port.ts";
import type { LedgerGroup } from "../src/store/ledger-port.ts";
import { Database } from "../src/store/sqlite/database.ts";
import { silentLog } from "../src/store/sqlite/fixtures/silent-log.ts";
import { openSqliteStore } from "../src/store/sqlite/open-store.ts";

const calls = 1_000_000;
const dayMs = 86_400_000;
const spanDays = 30;
const startMs = Math.floor(1_790_000_000_000 / dayMs) * dayMs;

// Imported in a process of its own: what the making of the file left in memory would hide what the import takes.
if (process.argv[2] === "import") await importFile(process.argv[3] ?? "");
else await all(process.argv[2] ?? tmpdir());

async function all(parent: string): Promise<void> {
  const folder = mkdtempSync(join(parent, "bench-usage-"));
  const file = join(folder, "store.sqlite");
  try {
    await (await openSqliteStore({ file, log: silentLog })).close();
    fill(file);
    const store = await openSqliteStore({ file, log: silentLog });
    await answers(store);
    await store.close();
    const transcript = join(folder, "large.jsonl");
    await write(transcript, 1024 * 1024 * 1024);
    execFileSync(process.execPath, [fileURLToPath(import.meta.url), "import", transcript], { stdio: "inherit" });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function answers(store: Store): Promise<void> {
  const { ledger } = store;
  const span = { sinceMs: startMs, untilMs: startMs + spanDays * dayMs };
  const groups: LedgerGroup[] = ["model", "day", "agent", "channel", "user", "session", "profile", "origin"];
  for (const group of groups) {
    // What `usage.cost` asks: the days, and the side that is wanted.
    await measure(`usage.cost by ${group}, 30 days`, () =>
      Promise.all([ledger.by("day", { sinceMs: span.sinceMs }), ledger.by(group, { sinceMs: span.sinceMs })]),
    );
  }
  await measure("ledger.by model, a span that ends within a day", () =>
    ledger.by("model", { sinceMs: startMs + 1_234_567, untilMs: span.untilMs - 7_654_321 }),
  );
  await measure("totals of one session", () => ledger.totals({ sessionKey: "s-17" }));
  await measure("latency by model", () => ledger.latency("model", span));
  await measure("sessions.usage, 50 of 1,000 sessions", () => ledger.sessions({ ...span, limit: 50 }), 5);
  await measure("sessions.usage, all 1,000 sessions", () => ledger.sessions({ ...span, limit: 1_000 }), 3);
  const began = performance.now();
  const checks = await ledger.recount();
  const kept = checks.map(
    ({ sum, rows, differing }) => `${sum} ${rows}${differing === 0 ? "" : ` (${differing} WRONG)`}`,
  );
  console.log(`full recount in ${((performance.now() - began) / 1_000).toFixed(1)} s: ${kept.join(", ")}`);
}

async function measure(what: string, once: () => Promise<unknown>, rounds = 20): Promise<void> {
  await once();
  const took: number[] = [];
  const before = process.cpuUsage();
  for (let round = 0; round < rounds; round += 1) {
    const began = performance.now();
    await once();
    took.push(performance.now() - began);
  }
  // Of a machine that others use too, the processor's time says more than the clock's.
  const used = process.cpuUsage(before);
  const cpu = ((used.user + used.system) / rounds / 1_000).toFixed(1);
  const sorted = took.toSorted((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(1);
  console.log(`${what.padEnd(48)}   p50 ${at(0.5)} ms   p99 ${at(0.99)} ms   processor ${cpu} ms`);
}

/** A busy house: 1,000 sessions of 50 people, five models, three agents, two logins, by SQL through the triggers. */
function fill(file: string): void {
  const db = new Database(file, { readOnly: false, cacheKiB: 262_144, busyTimeoutMs: 100 });
  const began = performance.now();
  db.exec(`PRAGMA synchronous = OFF; BEGIN;
    INSERT INTO ledger (seq, id, at_ms, run_id, session_key, agent_id, channel, sender_id, profile_id, model, input_tokens,
        output_tokens, cache_read_tokens, cache_write_tokens, cost_micros, estimated, latency_ms, origin)
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${calls})
      SELECT i, i, ${startMs} + i * ${(spanDays * dayMs) / calls}, '', 's-' || (i * 7919 % 1000), 'agent-' || (i * 7919 % 1000 % 3),
        iif(i * 7919 % 1000 < 900, 'irc', iif(i % 2, 'webchat', 'telegram')), 'u-' || (i * 7919 % 1000 % 50),
        'p-' || (i / 1000 % 2), 'openai/m-' || (i % 5), i % 997, i % 101, 0, 1, iif(i % 50, i % 89, NULL), 0, i * 7919 % 60000,
        iif(i % 9 = 0, 'cron', 'chat') FROM n;
    COMMIT`);
  db.close();
  console.log(`${calls} calls booked by SQL in ${((performance.now() - began) / 1_000).toFixed(1)} s`);
}

async function importFile(transcript: string): Promise<void> {
  const before = process.memoryUsage.rss();
  let peak = before;
  const began = performance.now();
  const note = (): void => {
    peak = Math.max(peak, process.memoryUsage.rss());
  };
  const signal = new AbortController().signal;
  const book = (batch: readonly unknown[]) => {
    note();
    return Promise.resolve({ booked: batch.length, known: 0 });
  };
  for await (const { booked, tally } of importUsage({ paths: [transcript], agentId: "main", signal, book })) {
    note();
    const seconds = (performance.now() - began) / 1_000;
    const megabytes = statSync(transcript).size / 1024 / 1024;
    console.log(
      `import of ${megabytes.toFixed(0)} MiB: ${tally.lines} lines, ${booked} calls, ${seconds.toFixed(1)} s, memory grew by ` +
        `${((peak - before) / 1024 / 1024).toFixed(1)} MiB`,
    );
  }
}

async function write(to: string, bytes: number): Promise<void> {
  const stream = createWriteStream(to);
  const result = "x".repeat(12_000);
  let made = 0;
  for (let turn = 0; made < bytes; turn += 1) {
    const timestamp = new Date(startMs + turn * 1_000).toISOString();
    const line = (message: unknown): string =>
      `${JSON.stringify({ type: "message", id: turn.toString(16).padStart(8, "0"), timestamp, message })}\n`;
    const usage = { input: 100, output: 20, cacheRead: 0, cacheWrite: 0, cost: { total: 0.001 } };
    const lines =
      line({ role: "toolResult", content: [{ type: "text", text: turn % 300 === 0 ? result.repeat(250) : result }] }) +
      line({ role: "assistant", content: `Answer ${turn} `.repeat(40), provider: "anthropic", model: "claude", usage });
    made += lines.length;
    if (!stream.write(lines)) await once(stream, "drain");
  }
  stream.end();
  await once(stream, "close");
}
