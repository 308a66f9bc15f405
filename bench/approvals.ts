/**
 * How long it takes from a person's yes until the tool starts that a parked turn was to use: answer, commit, the queue's
 * next look, context and journal. `node bench/approvals.ts` alone, or `npm run bench -- --only approvals`.
 */
import { fileURLToPath } from "node:url";
import process from "node:process";
import { z } from "zod";
import { chatRequest, openTestWay, type Script } from "../src/app/way.fixture.ts";
import type { Policy, Question } from "../src/policy/contract.ts";
import type { Tool } from "../src/tools/contract.ts";
import type { Figure } from "./measures.ts";
import { short, statsOf } from "./stats.ts";

const usage = { input: 3, output: 1, cacheRead: 0, cacheWrite: 0 };

/** Uses the tool first, and says so when it was used. */
const usesTool: Script = async function* (request) {
  if (request.messages.at(-1)?.role === "tool") yield { type: "text", text: "done" };
  else yield { type: "tool-call", callId: "c1", tool: "lamp", input: {} };
  yield { type: "end", reason: request.messages.at(-1)?.role === "tool" ? "stop" : "tool-calls", usage };
};

const rule = { where: "bench", says: "everything is asked about" };
const question: Question = {
  tool: "lamp",
  shown: "lamp --on",
  reasons: ["it is on no list"],
  taint: [],
  binding: "b1",
  command: null,
  always: null,
  fallback: "deny",
};
const asksAlways: Policy = {
  permits: () => ({ allowed: true, rule }),
  decide: () => Promise.resolve({ effect: "ask", rule, trail: [rule], question }),
};

export async function approvalRoundTrip(rounds: number): Promise<readonly Figure[]> {
  const started: number[] = [];
  const lamp: Tool = {
    name: "lamp",
    description: "A lamp.",
    inputSchema: z.object({}).strict(),
    effect: "unsafe",
    run: () => Promise.resolve((started.push(performance.now()), "on")),
  };
  const house = await openTestWay({ script: usesTool, tools: [lamp], acting: { policy: asksAlways } });
  house.approvals.listen({ id: "bench", reaches: () => true, asked: () => undefined, resolved: () => undefined });
  await house.way.start();
  const tookMs: number[] = [];
  try {
    for (let round = 0; round < rounds; round += 1) {
      const runId = `run-${round}`;
      await house.way.admit(chatRequest("light, please", { runId, sessionKey: `agent:main:s${round % 50}` }));
      await house.next("run.parked", (event) => event.runId === runId);
      const [open] = await house.approvals.pending();
      await parked(() => house.store.inbox.parkedBehind(open?.id ?? ""));
      const fromMs = performance.now();
      await house.approvals.answer(open?.id ?? "", "allow-once", { id: "bench", via: "gateway" });
      await house.next("run.ended", (event) => event.runId === runId);
      tookMs.push((started.at(-1) ?? Number.NaN) - fromMs);
    }
  } finally {
    await house.close();
  }
  const { p50, p99 } = statsOf(tookMs);
  return [
    { name: "approval: answer to tool start", unit: "ms", value: p50, target: { at: "most", value: 20 } },
    { name: "approval: answer to tool start, p99", unit: "ms", value: p99, target: null },
  ];
}

async function parked(look: () => Promise<readonly unknown[]>): Promise<void> {
  while ((await look()).length === 0) await new Promise((resolve) => setImmediate(resolve));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { name, value, unit } of await approvalRoundTrip(300)) console.log(`${name}: ${short(value)} ${unit}`);
}
