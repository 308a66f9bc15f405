/**
 * How long a session of 2,000 messages keeps everybody else waiting, while its context is put together and while it is
 * summed up: read from a real store, with a model that answers at once, so that all that is measured is ours.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { createContextKeeper } from "../src/agent/context/keeper.ts";
import { loadHistory } from "../src/agent/context/load-history.ts";
import type { TurnContext } from "../src/agent/context/contract.ts";
import { defaultConfig } from "../src/config/default-config.ts";
import type { ModelInfo } from "../src/domain/conversation.ts";
import { systemClock } from "../src/platform/clock.ts";
import { systemIds } from "../src/platform/ids.ts";
import { silentLog } from "../src/platform/log.ts";
import { openSqliteStore } from "../src/store/sqlite/open-store.ts";
import type { Store } from "../src/store/port.ts";
import type { SessionRow, TranscriptDraft } from "../src/store/session-port.ts";
import type { Figure } from "./measures.ts";
import { median } from "./stats.ts";

const messages = 2_000;
const resolutionMs = 1;

export async function compactionDelay(rounds: number): Promise<readonly Figure[]> {
  const folder = await mkdtemp(path.join(tmpdir(), "openclaw-bench-compaction-"));
  const store = await openSqliteStore({ file: path.join(folder, "store.sqlite"), log: silentLog() });
  try {
    await oneRound(store, "warm-up");
    const assembled: number[] = [];
    const compacted: number[] = [];
    const stretches: number[] = [];
    const delay = monitorEventLoopDelay({ resolution: resolutionMs });
    for (let round = 0; round < rounds; round += 1) {
      const key = `agent:main:s${round}`;
      await fill(store, key);
      delay.enable();
      const probe = longestStretch();
      const times = await oneRound(store, key, true);
      stretches.push(probe.stop());
      delay.disable();
      assembled.push(times.assembledMs);
      compacted.push(times.compactedMs);
    }
    // The histogram counts the period itself: what lies above it is the delay.
    const ms = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - resolutionMs);
    const many = messages.toLocaleString("en-US");
    return [
      { name: `context of ${many} messages`, unit: "ms", value: median(assembled), target: null },
      { name: `compaction of ${many} messages`, unit: "ms", value: median(compacted), target: null },
      {
        name: `loop delay p99, ${many} messages`,
        unit: "ms",
        value: ms(delay.percentile(99)),
        target: { at: "most", value: 20 },
      },
      {
        name: `longest stretch of work, ${many} messages`,
        unit: "ms",
        value: Math.max(...stretches),
        target: { at: "most", value: 20 },
        note: "processor time of the main thread between two rounds of the loop: independent of what else runs",
      },
    ];
  } finally {
    await store.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The most that was worked in one round of the event loop, in processor time. */
function longestStretch(): { stop(): number } {
  let isOn = true;
  let longestMs = 0;
  let before = process.threadCpuUsage();
  const look = (): void => {
    const used = process.threadCpuUsage(before);
    longestMs = Math.max(longestMs, (used.user + used.system) / 1_000);
    before = process.threadCpuUsage();
    if (isOn) setImmediate(look);
  };
  setImmediate(look);
  return {
    stop() {
      isOn = false;
      return longestMs;
    },
  };
}

async function oneRound(
  store: Store,
  key: string,
  isFilled = false,
): Promise<{ assembledMs: number; compactedMs: number }> {
  if (!isFilled) await fill(store, key);
  const from = performance.now();
  // All of it fits: every message is read, estimated and made valid.
  const wide = await open(store, key);
  await wide.assemble({ model: modelOf(2_000_000), system: "", tools: [], steps: [] });
  const assembledMs = performance.now() - from;
  const again = performance.now();
  // Several times what fits, old results as notes: it is summed up in pieces.
  const narrow = await open(store, key);
  const model = modelOf(50_000);
  const { report } = await narrow.assemble({ model, system: "", tools: [], steps: [] });
  if (report.compactions[0]?.compacted !== true) throw new Error("nothing was compacted");
  return { assembledMs, compactedMs: performance.now() - again };
}

async function open(store: Store, key: string): Promise<TurnContext> {
  const config = defaultConfig();
  const { sessions } = store;
  const keeper = createContextKeeper({
    sessions,
    clock: systemClock(),
    ids: systemIds(),
    log: silentLog(),
    config: () => config,
  });
  const { entries } = await loadHistory(sessions, key, "ffffffff");
  return keeper.open({
    runId: "run",
    sessionKey: key,
    agentId: "main",
    session: (await sessions.get(key)) as SessionRow,
    history: { kind: "transcript", entries },
    input: [{ role: "user", content: [{ type: "text", text: "and now?" }] }],
    inputId: "ffffffff",
    isGroup: false,
    signal: new AbortController().signal,
    summarise: () => Promise.resolve({ ok: true, text: "A summary of what was said." }),
    tell: () => undefined,
  });
}

/** Questions, calls with results of several kilobytes, and answers: about 400,000 tokens. */
async function fill(store: Store, key: string): Promise<void> {
  await store.sessions.open(key, "main", { sessionId: `id of ${key}`, atMs: 1 });
  const entries = Array.from({ length: messages }, (_, index): TranscriptDraft => {
    const [role, text] = kinds[index % kinds.length] as (typeof kinds)[number];
    const call = { type: "toolCall", id: `call_${index}`, name: "read", arguments: { path: `notes/${index}.md` } };
    const result = { toolCallId: `call_${index - 1}`, toolName: "read" };
    const content = role === "calls" ? [call] : [{ type: "text", text: `${index} ${text}` }];
    const message = { role: role === "calls" ? "assistant" : role, content, ...(role === "toolResult" ? result : {}) };
    return { id: index.toString(16).padStart(8, "0"), type: "message", atMs: index, body: { message } };
  });
  await store.sessions.append(key, entries, 1);
}

const kinds = [
  ["user", "Please look at the notes and tell me what was decided about the house. ".repeat(3)],
  ["calls", ""],
  ["toolResult", "## Notes\n- 2026-03-14: the notary has the papers, INV-2047, 12,450.00 EUR\n".repeat(35)],
  ["assistant", "The notary has the papers; the invoice is paid and the keys come in April. ".repeat(4)],
] as const;

function modelOf(contextWindow: number): ModelInfo {
  return {
    ref: `bench/${contextWindow}`,
    provider: "bench",
    id: "bench",
    name: "bench",
    contextWindow,
    maxTokens: 8_000,
    reasoning: false,
    input: ["text"],
    price: undefined,
  };
}
