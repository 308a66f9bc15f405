/** Sessions as JSON lines: out of the store a page at a time, and back into it. The lines' form is the store's own. */
import { AppError } from "../../domain/app-error.ts";
import type { ParamsOf } from "../../protocol/method.ts";
import { sessionsExport, sessionsImport } from "../../protocol/methods/sessions.ts";
import type { TranscriptDraft } from "../../store/session-port.ts";
import { entryLine, headerLine, parseTranscript, type TranscriptHeader } from "../../store/transcript-jsonl.ts";
import { handle, type BoundMethod } from "./handler.ts";
import type { RpcServices } from "./services.ts";
import { sessionKeyOf, sessionTarget } from "./session-target.ts";

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
  const cwd = deps.config.current().config.agents.defaults.workspace;
  const lines = page.map((entry) => withoutLineFeed(entryLine(entry)));
  const last = page.at(-1);
  return {
    key,
    sessionId,
    agentId: row.agentId,
    lines:
      afterSeq === null ? [withoutLineFeed(headerLine({ id: sessionId, atMs: row.createdMs, cwd })), ...lines] : lines,
    nextSeq: last === undefined || page.length === rest.length ? null : last.seq,
  };
}

function withoutLineFeed(line: string): string {
  return line.slice(0, -1);
}

/** Everything is read before anything is written: a bad line leaves nothing behind. */
async function importLines({ deps }: RpcServices, params: ParamsOf<typeof sessionsImport>) {
  const { sessionKey, agentId } = sessionTarget(deps, { sessionKey: params.key, agentId: params.agentId });
  const entries: TranscriptDraft[] = [];
  let header: TranscriptHeader | undefined;
  for await (const line of parseTranscript(params.lines.map((text) => `${text}\n`))) {
    if (line.kind === "session") header = line.header;
    else entries.push(line.entry);
  }
  if (header === undefined) throw new AppError("RPC_003", "Line 1 of the transcript does not begin with a session.");
  const { id: sessionId, atMs: createdMs } = header;
  await deps.store.sessions.import({ sessionKey, agentId, sessionId, createdMs }, entries);
  deps.bus.emit({ type: "session.created", sessionKey, sessionId, atMs: deps.clock.nowMs() });
  return { ok: true as const, key: sessionKey, sessionId, entries: entries.length };
}
