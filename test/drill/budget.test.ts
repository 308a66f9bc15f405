/** A process that spends over HTTP and is killed again and again: what the provider billed is in the ledger, or lost and counted. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { model } from "../../src/budget/town.fixture.ts";
import { createChance } from "../../src/drill/chance.ts";
import { costMicros } from "../../src/domain/money.ts";

interface Call {
  readonly callId: string;
  readonly inputTokens: number;
  readonly maxTokens: number;
}

const chance = createChance(11);
const limitUsd = 1;
let folder: string;
let provider: Server;
/** By call, in micro-dollars: written down before anybody is answered. */
const bill = new Map<string, number>();
let mostBilled = 0;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "openclaw-budget-"));
  provider = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (piece: string) => (text += piece));
    request.on("end", () => {
      const { callId, inputTokens, maxTokens } = JSON.parse(text) as Call;
      const usage = { input: 0, output: chance.between(1, maxTokens), cacheRead: 0, cacheWrite: inputTokens };
      bill.set(callId, costMicros(usage, model.price) ?? 0);
      mostBilled = Math.max(mostBilled, sumOf(bill.values()));
      setTimeout(() => response.end(JSON.stringify(usage)), chance.between(5, 60));
    });
  });
  provider.listen(0, "127.0.0.1");
  await once(provider, "listening");
});
afterEach(async () => {
  provider.closeAllConnections();
  provider.close();
  await rm(folder, { recursive: true, force: true });
});

/** Ends it in the middle of whatever it does once so many more calls were billed; null lets it come to its end. */
async function live(calls: number | null): Promise<string> {
  const script = fileURLToPath(new URL("../../src/budget/fixtures/spending-child.ts", import.meta.url));
  const { port } = provider.address() as AddressInfo;
  const args = [script, path.join(folder, "store.sqlite"), String(port), String(limitUsd)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (printed += text));
  const until = bill.size + (calls ?? Number.POSITIVE_INFINITY);
  const watch = setInterval(() => bill.size >= until && child.kill("SIGKILL"), 1);
  await ended;
  clearInterval(watch);
  return printed;
}

it("never bills more than the limit, and every billed call is in the ledger at its cost or lost at no less", async () => {
  for (const calls of [1, 20, 7, 33, 12]) expect(await live(calls)).not.toContain("done");
  expect(await live(null)).toContain("done");
  const db = new DatabaseSync(path.join(folder, "store.sqlite"), { readOnly: true });
  const pairs = (sql: string) =>
    new Map(
      db
        .prepare(sql)
        .all()
        .map(({ id, micros }) => [String(id), Number(micros)]),
    );
  const ledger = pairs("SELECT id, cost_micros AS micros FROM ledger");
  const held = pairs("SELECT id, reserved_micros AS micros FROM budget_hold");
  const states = db.prepare("SELECT DISTINCT state FROM budget_hold").all();
  const purse = db.prepare("SELECT spent_micros AS spent, held_micros AS held FROM budget_purse").all();
  db.close();
  const wrong = [...bill].filter(([id, micros]) => {
    const booked = ledger.get(id);
    return booked === undefined ? (held.get(id) ?? -1) < micros : booked !== micros || held.has(id);
  });
  expect(wrong).toEqual([]);
  expect([...ledger.keys()].filter((id) => !bill.has(id))).toEqual([]);
  // Some were billed and lost, or there was nothing to prove; and the purse knows of all of them.
  expect(held.size).toBeGreaterThan(5);
  expect(states).toEqual([{ state: "lost" }]);
  expect(purse).toEqual([{ spent: sumOf(ledger.values()), held: sumOf(held.values()) }]);
  expect(mostBilled).toBeLessThanOrEqual(limitUsd * 1_000_000);
}, 60_000);

function sumOf(values: Iterable<number>): number {
  return [...values].reduce((total, micros) => total + micros, 0);
}
