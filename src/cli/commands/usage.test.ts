/** What a person reads of usage: sums that hide nothing, values that a table program can take, and imports that add up. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import type { CliContext } from "../contract.ts";
import { createOutput } from "../output.ts";
import { register } from "./usage.ts";

interface Shown {
  readonly out: string;
  readonly err: string;
  readonly code: number;
  readonly asked: readonly (readonly [method: string, params: unknown])[];
}

async function run(words: readonly string[], answer: (method: string, params: never) => unknown): Promise<Shown> {
  const shown = { out: "", err: "", code: 0, asked: [] as (readonly [string, unknown])[] };
  const context = {
    output: createOutput(
      { stdout: { write: (text) => (shown.out += text) }, stderr: { write: (text) => (shown.err += text) } },
      { json: words.includes("--json"), colour: false },
    ),
    signal: new AbortController().signal,
    connect: () =>
      Promise.resolve({
        call(method: string, params: never) {
          shown.asked.push([method, params]);
          return Promise.resolve(answer(method, params));
        },
        close: () => undefined,
      }),
    exit: (code: number) => (shown.code = code),
  };
  const program = new Command();
  register(program, context as unknown as CliContext);
  await program.parseAsync(["usage", ...words.filter((word) => word !== "--json")], { from: "user" });
  return shown;
}

function totals(changes: Record<string, unknown> = {}) {
  return {
    calls: 2,
    input: 100,
    output: 20,
    cacheRead: 5,
    cacheWrite: 1,
    totalTokens: 126,
    totalCost: 0.5,
    inputCost: 0.3,
    outputCost: 0.1,
    cacheReadCost: 0.05,
    cacheWriteCost: 0.05,
    missingCostEntries: 0,
    unpricedCalls: 0,
    estimatedCalls: 0,
    reportedCalls: 0,
    ...changes,
  };
}

const costs = (changes: Record<string, unknown> = {}) => ({
  updatedAt: 0,
  days: 7,
  daily: [{ key: "2026-11-20", date: "2026-11-20", ...totals() }],
  groups: [
    { key: "irc:ann", ...totals({ totalCost: 0.00002 }) },
    { key: '=HYPERLINK("x"),', ...totals({ missingCostEntries: 1 }) },
  ],
  totals: totals(changes),
});

describe("openclaw usage", () => {
  it("shows the days, and says what a sum would hide", async () => {
    const shown = await run(["--days", "7"], () => costs({ unpricedCalls: 1, estimatedCalls: 1, reportedCalls: 1 }));
    expect(shown.asked).toEqual([["usage.cost", { days: 7, by: "day" }]]);
    expect(shown.out).toContain(
      [
        "DAY         CALLS  INPUT  OUTPUT  CACHE  COST     UNPRICED",
        "2026-11-20  2      100    20      6      $0.5000",
        "together    2      100    20      6      $0.5000",
        "Of 1 of 2 calls no price is known: their cost is not in the sums.",
        "The tokens of 1 of 2 calls are an estimate.",
        "The cost of 1 of 2 calls was told by the provider; of the others it is computed from prices.",
      ].join("\n"),
    );
    expect((await run(["--days", "7"], () => costs({ calls: 0 }))).out).toBe("nothing was used in the last 7 days\n");
  });

  it("shows any side, as a table, as values and as JSON; a cost above nothing never looks like none", async () => {
    const shown = await run(["--by", "user", "--agent", "main"], () => costs());
    expect(shown.asked).toEqual([["usage.cost", { days: 30, by: "user", agentId: "main" }]]);
    expect(shown.out).toMatch(/^irc:ann +2 +100 +20 +6 +<\$0\.0001$/m);
    const csv = await run(["--by", "user", "--csv"], () => costs());
    expect(csv.out.split("\n").slice(0, 3)).toEqual([
      "user,calls,input,output,cacheRead,cacheWrite,totalTokens,totalCost,inputCost,outputCost,cacheReadCost,cacheWriteCost,missingCostEntries,estimatedCalls,reportedCalls",
      "irc:ann,2,100,20,5,1,126,0.00002,0.3,0.1,0.05,0.05,0,0,0",
      `"'=HYPERLINK(""x""),",2,100,20,5,1,126,0.5,0.3,0.1,0.05,0.05,1,0,0`,
    ]);
    expect(JSON.parse((await run(["--by", "user", "--json"], () => costs())).out)).toEqual(costs());
    await expect(run(["--by", "moon"], () => costs())).rejects.toMatchObject({ code: "SYS_003" });
    await expect(run(["--csv", "--json"], () => costs())).rejects.toMatchObject({ code: "SYS_003" });
  });

  it("books a transcript in batches and tells of the lines that it could not use", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "usage-cli-"));
    const line = (id: number) =>
      JSON.stringify({
        type: "message",
        id: String(id),
        timestamp: "2026-02-03T04:05:06.007Z",
        message: { role: "assistant", provider: "openai", model: "x", usage: { input: 5, cost: { total: 0.25 } } },
      });
    const lines = [...Array.from({ length: 501 }, (_, id) => line(id)), "rubbish"];
    await writeFile(path.join(folder, "one.jsonl"), lines.join("\n"));
    await writeFile(path.join(folder, "two.jsonl"), Buffer.alloc(9));
    const answer = (_method: string, { calls }: { calls: unknown[] }) => ({ ok: true, booked: calls.length, known: 0 });
    const shown = await run(["import", folder], answer as never);
    await rm(folder, { recursive: true });
    expect(shown.asked.map(([method, params]) => [method, (params as { calls: unknown[] }).calls.length])).toEqual([
      ["usage.import", 500],
      ["usage.import", 1],
    ]);
    expect(shown.out).toBe("501 calls booked from 2 files, 0 were known already\n1 lines could not be used\n");
    expect(shown.err).toMatch(
      /one\.jsonl: 1 lines could not be used, the first at 502\n.*two\.jsonl: not read: it is no text/,
    );
    expect(shown.code).toBe(1);
  });

  it("says of a session what it used and did, and of a ledger that it does not add up", async () => {
    const usage = {
      ...totals({ missingCostEntries: 1 }),
      firstActivity: 0,
      lastActivity: 60_000,
      dailyBreakdown: [{ date: "1970-01-01", tokens: 126, cost: 0.5 }],
      messageCounts: { user: 1, assistant: 2, errors: 0 },
      toolUsage: { tools: [{ name: "read", count: 3 }] },
      modelUsage: [{ provider: "openai", model: "x", count: 2 }],
      latency: { p50Ms: 900, p95Ms: 2_000 },
    };
    const shown = await run(["session", "main"], () => ({ sessions: [{ key: "agent:main:main", usage }] }));
    expect(shown.asked).toEqual([["sessions.usage", { key: "main", range: "all", limit: 1 }]]);
    expect(shown.out).toMatch(/cost +\$0\.5000 \(1 calls without a known price\)/);
    expect(shown.out).toMatch(/tools +read 3\nmodels +openai\/x 2\nlatency +half within 900 ms, 95 % within 2000 ms/);
    await expect(run(["session", "main"], () => ({ sessions: [] }))).rejects.toMatchObject({ code: "RPC_007" });
    const sums = [{ sum: "days", rows: 4, differing: 1 }];
    const checked = await run(["check"], () => ({ sound: false, sums }));
    expect(checked).toMatchObject({ code: 1, out: "SUM   ROWS  OTHERWISE\ndays  4     1\n" });
  });
});
