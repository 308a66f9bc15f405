/**
 * One turn from lease to result: session, context, steps, and the one commit that holds answer, transcript, outbox
 * and bill together. After that commit, and only then, the end is told.
 */
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import { messageText } from "../domain/message.ts";
import { noUsage } from "../domain/money.ts";
import type { TurnHandler } from "../queue/contract.ts";
import type { InboxRow, SessionRow } from "../store/port.ts";
import { keptIfRefused } from "./budget-refusal.ts";
import { commandOf, runCommand, type Command } from "./commands.ts";
import { commitTurn, tellEnd } from "./commit-turn.ts";
import { chooseModel } from "./calling/choose-model.ts";
import type { Surroundings } from "../skills/contract.ts";
import { isMainSession } from "../domain/session-key.ts";
import { createLookAtPicture } from "./calling/look-at-picture.ts";
import { parkTurn, WaitsForPerson } from "./acting/parked-turn.ts";
import { Pipeline } from "./pipeline.ts";
import { openContext } from "./open-context.ts";
import { runSteps } from "./step-loop.ts";
import { emitOf, type AgentDeps, type Turn, type TurnEnd } from "./turn.ts";
import type { TurnOptions } from "./turn-options.ts";
import { isSuperseded, Parked } from "./turn-registry.ts";
import { turnSettings } from "./turn-settings.ts";

export function createTurnHandler(deps: AgentDeps): TurnHandler {
  return async (row, lease, lost) => {
    const startedMs = deps.clock.nowMs();
    const { runId, sessionKey, agentId } = row;
    const asksNoModel = isAnsweredByRule(row);
    const active = deps.registry.begin({ runId, sessionKey, agentId, startedMs, asksNoModel });
    const options = row.options as TurnOptions;
    const config = deps.config();
    const timeoutMs = Math.min(
      options.timeoutMs ?? config.agents.defaults.timeoutSeconds * 1_000,
      limits.turnTimeoutMs,
    );
    const timeout = turnTimeout(timeoutMs, deps);
    const pipeline = new Pipeline(deps.clock);
    pipeline.note("queue", Math.max(0, startedMs - Math.max(row.admittedMs, row.dueMs)), { attempt: row.attempts });
    pipeline.note("register", 0, { active: deps.registry.active().length });
    const turn: Turn = {
      row,
      lease,
      options,
      config,
      startedMs,
      deadlineMs: deps.clock.monotonicMs() + timeoutMs,
      signal: AbortSignal.any([active.signal, lost, timeout.signal]),
      pipeline,
      surroundings: nothingAround,
      model: null,
      choice: null,
      asking: null,
      context: null,
      settings: turnSettings(null, { options, config, agentId }),
      notices: [],
      conversation: [],
      taint: options.born?.taint ?? [],
      earlier: [],
      transcript: [],
      ledger: [],
      unwritten: Promise.resolve([]),
      stream: null,
      replyToId: row.message.platformMessageId,
      text: "",
      usage: noUsage,
      costMicros: 0,
    };
    const closeEyes = deps.vision?.open(runId, createLookAtPicture(turn, deps));
    try {
      await runTurn(turn, deps);
    } finally {
      closeEyes?.();
      // A turn that is given back or lost says nothing more; of one that was committed the stream has ended already.
      await turn.stream?.end();
      timeout.cancel();
      active.end();
    }
  };
}

async function runTurn(turn: Turn, deps: AgentDeps): Promise<void> {
  emitOf(turn, deps, { type: "run.started", messageId: turn.row.message.id });
  try {
    await deps.failpoints.reach("turn-begun");
    await answerAndCommit(turn, deps);
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === "STORE_003") await tellIfGone(turn, deps);
    throw thrown;
  }
}

/**
 * A lease that was lost to another worker is that worker's to end. One that was lost because the session was deleted
 * or the message ended from outside has nobody left: whoever waits for the run is told.
 */
async function tellIfGone(turn: Turn, deps: AgentDeps): Promise<void> {
  const row = await deps.store.inbox.byRunId(turn.row.runId);
  if (row !== null && row.endedMs === null) return;
  const error = new AppError("RUN_001", "The message was removed while it was being answered.").toJSON();
  const { text, usage, costMicros } = turn;
  const model = turn.model?.ref ?? "none";
  tellEnd(
    turn,
    { state: "aborted", stopReason: "aborted", text, usage, costMicros, model, toolCalls: [], error },
    deps,
  );
}

async function answerAndCommit(turn: Turn, deps: AgentDeps): Promise<void> {
  let end: TurnEnd;
  try {
    end = await answer(turn, deps);
  } catch (thrown) {
    if (isStoreFailure(thrown)) throw thrown;
    // Stopped in the very moment: then it ends, instead of waiting for a word that changes nothing.
    if (thrown instanceof WaitsForPerson && !turn.signal.aborted) return parkTurn(turn, thrown, deps);
    end = failedWith(AppError.from(thrown));
  }
  // An answer that is whole is kept, whatever came in its last moment.
  if (turn.signal.aborted && end.state !== "final") {
    const reason: unknown = turn.signal.reason;
    if (reason instanceof Parked && !turn.row.ephemeral) return park(turn, deps);
    if (reason instanceof AppError && reason.code === "STORE_003") throw reason;
    end = endOfAbort(reason);
  }
  const known = await turn.pipeline.run("result", () => keptIfRefused(turn, end, deps));
  await commitTurn(turn, known, deps);
}

async function answer(turn: Turn, deps: AgentDeps): Promise<TurnEnd> {
  const { row, pipeline } = turn;
  const { command, givenUp } = await pipeline.run("validate", () => validate(turn, deps));
  if (givenUp !== null) return givenUp;
  const session = await pipeline.run("session", () => (row.ephemeral ? null : openSession(row, deps)));
  turn.settings = turnSettings(session, { options: turn.options, config: turn.config, agentId: row.agentId });
  if (command !== null && session !== null) {
    turn.text = await pipeline.run("execute", () => runCommand(command, { turn, session, deps }));
    return { state: "final", stopReason: "stop", toolCalls: [], error: null };
  }
  await lookAround(turn, session, deps);
  const choice = await pipeline.run("model", () => chooseModel(turn, deps));
  const { model } = choice.candidates[0];
  turn.choice = choice;
  turn.model = model;
  turn.context = await pipeline.run("context", () => openContext(turn, session, deps));
  if (turn.options.deliver !== false) turn.stream = deps.openReplyStream(row, turn.lease);
  return pipeline.run("execute", () => runSteps(turn, deps));
}

const nothingAround: Surroundings = Object.freeze({ hash: "", sections: [], skills: [] });

/** Read once: what is changed meanwhile counts from the next turn. */
async function lookAround(turn: Turn, session: SessionRow | null, deps: AgentDeps): Promise<void> {
  const { row, config, pipeline } = turn;
  const isMain = isMainSession(row.sessionKey, config.session.mainKey);
  const isFirstOfSession = session === null || session.messageCount === 0;
  turn.surroundings = await pipeline.run(
    "workspace",
    () => deps.surroundings.read({ agentId: row.agentId, isMain, isFirstOfSession }),
    ({ hash }) => ({ hash }),
  );
  pipeline.note("skills", 0, { names: turn.surroundings.skills.map(({ name }) => name) });
}

function validate(turn: Turn, deps: AgentDeps): { command: Command | null; givenUp: TurnEnd | null } {
  // Aborted while it waited: nothing of it is done, a command neither. Of one that gave way the person's words are kept.
  if (!isSuperseded(turn.signal.reason)) turn.signal.throwIfAborted();
  const givenUp = giveUp(turn.row, deps.clock.nowMs());
  return { command: commandOf(messageText(turn.row.message)), givenUp };
}

/** What a stateless caller says is no command, and a conversation is summed up by a model. */
function isAnsweredByRule({ message, ephemeral }: InboxRow): boolean {
  const command = commandOf(messageText(message));
  return !ephemeral && command !== null && command !== "compact";
}

/** A message whose turn fails or crashes again and again, or that comes too late, ends with a word instead of an answer. */
function giveUp(row: InboxRow, nowMs: number): TurnEnd | null {
  if (row.attempts > limits.turnAttempts) {
    const error = new AppError("SYS_001", `This message could not be answered in ${limits.turnAttempts} attempts.`);
    return { ...failedWith(error), givenUp: "too-many-attempts" };
  }
  if (row.expiresMs > nowMs) return null;
  return { ...failedWith(new AppError("RUN_002", "The message waited too long and has expired.")), givenUp: "expired" };
}

/** The session, which admission opened; made anew where somebody deleted it while the message waited. */
async function openSession(row: InboxRow, deps: AgentDeps): Promise<SessionRow> {
  const known = await deps.store.sessions.get(row.sessionKey);
  if (known !== null) return known;
  const { address } = row.message;
  const options = { sessionId: deps.ids.uuid(), atMs: deps.clock.nowMs(), address };
  return (await deps.store.sessions.open(row.sessionKey, row.agentId, options)).row;
}

function turnTimeout(timeoutMs: number, deps: AgentDeps): { signal: AbortSignal; cancel(): void } {
  const controller = new AbortController();
  const timer = deps.clock.after(timeoutMs, () => {
    controller.abort(new AppError("RUN_002", `The turn took longer than ${Math.round(timeoutMs / 1_000)} s.`));
  });
  return { signal: controller.signal, cancel: () => timer.cancel() };
}

/** Gives the message back: the next start runs its turn again, behind the steps that are done. What it spent is booked. */
async function park(turn: Turn, deps: AgentDeps): Promise<void> {
  await deps.store.inbox.release(turn.lease, deps.clock.nowMs(), turn.ledger);
  deps.log.info("a turn was parked for the next start", { runId: turn.row.runId });
}

function endOfAbort(reason: unknown): TurnEnd {
  if (reason instanceof Parked) return failedWith(new AppError("SYS_007", "The gateway is stopping."));
  const error = AppError.from(reason, "RUN_001");
  if (error.code !== "RUN_001") return failedWith(error);
  return { state: "aborted", stopReason: "aborted", toolCalls: [], error: error.toJSON() };
}

function failedWith(error: AppError): TurnEnd {
  return { state: "error", stopReason: "error", toolCalls: [], error: error.toJSON() };
}

/** The medium failed: no result can be written now. The queue runs the turn again after a pause. */
function isStoreFailure(thrown: unknown): boolean {
  return thrown instanceof AppError && thrown.code.startsWith("STORE_");
}
