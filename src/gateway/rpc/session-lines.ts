/** Sessions as JSON lines: out of the store a page at a time, and back into it. The lines are the ones users know. */
import { z } from "zod";
import { AppError } from "../../domain/app-error.ts";
import type { ParamsOf } from "../../protocol/method.ts";
import { sessionsExport, sessionsImport } from "../../protocol/methods/sessions.ts";
import type { TranscriptDraft, TranscriptEntry } from "../../store/port.ts";
import { handle, type BoundMethod } from "./handler.ts";
import type { RpcServices } from "./services.ts";
import { sessionKeyOf, sessionTarget } from "./session-target.ts";

/** The form of the lines; the third that users have on disk. */
const linesVersion = 3;
const pageEntries = 1_000;

export function sessionLineMethods(services: RpcServices): readonly BoundMethod[] {
  return [
    handle(sessionsExport, (params) => exportPage(services, params)),
    handle(sessionsImport, (params) => importLines(services, params)),
  ];
}

async function exportPage({ deps }: RpcServices, params: ParamsOf<typeof sessionsExport>) {
  const key = sessionKeyOf(deps, params.key);
  const { sessions } = deps.store;
  const row = await sessions.get(key);
  if (row === null) throw new AppError("RPC_007", "there is no such session");
  const sessionId = params.sessionId ?? row.sessionId;
  const afterSeq = params.afterSeq ?? null;
  // `limit` of the store keeps the newest, so the page is cut here.
  const rest = await sessions.transcript(key, { sessionId, ...(afterSeq === null ? {} : { afterSeq }) });
  const page = rest.slice(0, params.limit ?? pageEntries);
  const header = {
    type: "session",
    version: linesVersion,
    id: sessionId,
    timestamp: isoTime(row.createdMs),
    key,
    agentId: row.agentId,
  };
  const lines = page.map(lineOf);
  const last = page.at(-1);
  return {
    key,
    sessionId,
    agentId: row.agentId,
    lines: afterSeq === null ? [JSON.stringify(header), ...lines] : lines,
    nextSeq: last === undefined || page.length === rest.length ? null : last.seq,
  };
}

function lineOf(entry: TranscriptEntry): string {
  const { id, type, parentId, atMs, body } = entry;
  return JSON.stringify({ type, id, parentId, timestamp: isoTime(atMs), ...body });
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

const headerLine = z.looseObject({
  type: z.literal("session"),
  id: z.string().min(1).max(128),
  timestamp: z.string().optional(),
});
const entryLine = z.looseObject({
  type: z.enum([
    "message",
    "model_change",
    "thinking_level_change",
    "custom",
    "custom_message",
    "compaction",
    "branch_summary",
    "label",
    "session_info",
  ]),
  id: z.string().min(1).max(64),
  parentId: z.string().nullish(),
  timestamp: z.union([z.string(), z.number()]).optional(),
});

async function importLines({ deps }: RpcServices, params: ParamsOf<typeof sessionsImport>) {
  const { sessionKey, agentId } = sessionTarget(deps, { sessionKey: params.key, agentId: params.agentId });
  const [first = "", ...rest] = params.lines.filter((line) => line.trim() !== "");
  const header = headerLine.safeParse(parseLine(first, 1));
  if (!header.success) throw badLine(1, "the first line must be the session's header");
  const createdMs = timeOf(header.data.timestamp) ?? deps.clock.nowMs();
  const entries = rest.map((line, index) => entryOf(line, index + 2, createdMs));
  await deps.store.sessions.import({ sessionKey, agentId, sessionId: header.data.id, createdMs }, entries);
  deps.bus.emit({ type: "session.created", sessionKey, sessionId: header.data.id, atMs: deps.clock.nowMs() });
  return { ok: true as const, key: sessionKey, sessionId: header.data.id, entries: entries.length };
}

function entryOf(line: string, number: number, fallbackMs: number): TranscriptDraft {
  const parsed = entryLine.safeParse(parseLine(line, number));
  if (!parsed.success) throw badLine(number, "it is no entry of a transcript");
  const { type, id, parentId: _parentId, timestamp, ...body } = parsed.data;
  return { id, type, atMs: timeOf(timestamp) ?? fallbackMs, body };
}

function parseLine(line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new AppError("RPC_003", `line ${number}: it is not JSON`, { cause: error, details: { line: number } });
  }
}

function timeOf(timestamp: string | number | undefined): number | null {
  const ms = typeof timestamp === "number" ? timestamp : Date.parse(timestamp ?? "");
  return Number.isFinite(ms) ? ms : null;
}

function badLine(number: number, why: string): AppError {
  return new AppError("RPC_003", `line ${number}: ${why}`, { details: { line: number } });
}
