/** A session's calls one by one, and its last lines with what each cost. */
import { AppError } from "../../../domain/app-error.ts";
import { limits } from "../../../domain/limits.ts";
import { totalTokens } from "../../../domain/money.ts";
import type { ParamsOf, ResultOf } from "../../../protocol/method.ts";
import type { sessionsUsageLogs, sessionsUsageTimeseries } from "../../../protocol/methods/session-usage.ts";
import type { TranscriptEntry } from "../../../store/session-port.ts";
import type { LedgerCall } from "../../../store/ledger-port.ts";
import type { RpcServices } from "../services.ts";
import { sessionKeyOf } from "../session-target.ts";
import { usd } from "./totals.ts";

const defaultPoints = 1_000;
const defaultLogs = 200;

type Deps = RpcServices["deps"];
type LogEntry = ResultOf<typeof sessionsUsageLogs>["logs"][number];

export async function sessionSeries(deps: Deps, { key, limit }: ParamsOf<typeof sessionsUsageTimeseries>) {
  const sessionKey = sessionKeyOf(deps, key);
  const { ledger, sessions } = deps.store;
  const [calls, total, session] = await Promise.all([
    ledger.calls(sessionKey, { limit: limit ?? defaultPoints }),
    ledger.totals({ sessionKey }),
    sessions.get(sessionKey),
  ]);
  // What came before the first call of the answer: everything, without what is in it.
  let tokens = calls.reduce((rest, call) => rest - totalTokens(call.usage), totalTokens(total.usage));
  let micros = calls.reduce((rest, call) => rest - (call.costMicros ?? 0), total.costMicros);
  const points = calls.map((call) => {
    tokens += totalTokens(call.usage);
    micros += call.costMicros ?? 0;
    return { ...pointOf(call), cumulativeTokens: tokens, cumulativeCost: usd(micros) };
  });
  return { ...(session === null ? {} : { sessionId: session.sessionId }), points };
}

function pointOf(call: LedgerCall) {
  const { usage, costMicros, costFrom, estimated, latencyMs, firstTokenMs, model } = call;
  return {
    timestamp: call.atMs,
    input: usage.input,
    output: usage.output,
    cacheRead: usage.cacheRead,
    cacheWrite: usage.cacheWrite,
    totalTokens: totalTokens(usage),
    cost: usd(costMicros ?? 0),
    model,
    costFrom,
    estimated,
    latencyMs,
    firstTokenMs,
  };
}

/** Throws RPC_007 where there is no such session. */
export async function sessionLogs(deps: Deps, { key, limit }: ParamsOf<typeof sessionsUsageLogs>) {
  const sessionKey = sessionKeyOf(deps, key);
  const { sessions } = deps.store;
  if ((await sessions.get(sessionKey)) === null) throw new AppError("RPC_007", "there is no such session");
  const entries = await sessions.transcript(sessionKey, { limit: limit ?? defaultLogs });
  return { logs: entries.flatMap(logOf) };
}

/** What an entry's body holds is whatever once was written or imported. */
function logOf({ type, body, atMs }: TranscriptEntry): LogEntry[] {
  const message = recordOf(body["message"]);
  const { role } = message;
  if (type !== "message" || (role !== "user" && role !== "assistant" && role !== "toolResult")) return [];
  const usage = recordOf(message["usage"]);
  const tokens = usage["totalTokens"];
  const cost = recordOf(usage["cost"])["total"];
  return [
    {
      timestamp: atMs,
      role,
      content: textOf(message["content"]).slice(0, limits.usageLogChars),
      ...(typeof tokens === "number" && Number.isSafeInteger(tokens) ? { tokens } : {}),
      ...(typeof cost === "number" && Number.isFinite(cost) ? { cost } : {}),
    },
  ];
}

function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return (content as unknown[])
    .map(recordOf)
    .map(({ type, text, name }) => {
      if (typeof text === "string") return text;
      return type === "toolCall" && typeof name === "string" ? `[uses ${name}]` : "";
    })
    .filter((text) => text !== "")
    .join("\n");
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
