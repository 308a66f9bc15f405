/**
 * One turn as a terminal shows it: the message goes out, the text comes in as it is written, and the end is told once.
 * Used by `agent` and `chat`.
 */
import { AppError } from "../domain/app-error.ts";
import { isErrorCode, type ErrorCode } from "../domain/error-codes.ts";
import { systemIds } from "../platform/ids.ts";
import type { agent } from "../protocol/methods/agent.ts";
import type { GatewayClient } from "./gateway-client.ts";
import type { Questioner, ShownApproval } from "./approval-question.ts";
import type { Output } from "./output.ts";

export interface RunRequest {
  readonly message: string;
  readonly sessionKey?: string;
  readonly agentId?: string;
  readonly model?: string;
  readonly thinking?: string;
}

export interface RunResult {
  readonly runId: string;
  readonly outcome: "final" | "aborted" | "error";
  readonly text: string;
  readonly error: string | null;
  /** Row of the error table, where the gateway named one. */
  readonly errorCode: ErrorCode | null;
}

export interface RunReader {
  /** What is new each time. */
  onText(text: string): void;
  /** How the answer comes about: that another model answers, that a budget is nearly used up. */
  onNotice(text: string): void;
  /** Whoever may answer what the turn asks; absent where nobody is told of it here. */
  readonly questioner?: Questioner;
}

/** Aborting `signal` stops the turn on the gateway too. */
export async function followRun(
  client: GatewayClient,
  request: RunRequest,
  { onText, onNotice, questioner }: RunReader,
  signal: AbortSignal,
): Promise<RunResult> {
  // Interrupted while it connected: nothing was said yet, and no event would tell of it any more.
  signal.throwIfAborted();
  const runId = systemIds().uuid();
  const { promise, resolve, reject } = Promise.withResolvers<RunResult>();
  // Where the turn was refused nobody waits for its end; a lost connection then is no failure of its own.
  promise.catch(() => undefined);
  let shown = "";
  let isBroken = false;
  const show = (text: string): void => {
    // Each event carries the whole text so far: what is new is what lies behind that which is on the screen.
    const kept = commonLength(text, shown);
    isBroken ||= kept < shown.length;
    const added = text.slice(kept);
    shown = text;
    if (added === "") return;
    // Another model began anew. What is on the screen cannot be taken back: it is left off, and what counts follows.
    onText(isBroken ? `…\n\n${added}` : added);
    isBroken = false;
  };
  let errorCode: ErrorCode | null = null;
  // The chat's own event has no room for a code; that of the run comes just before it.
  const stopCodes = client.on("agent", (payload) => {
    if (payload["runId"] !== runId) return;
    const data = payload["data"];
    // A question is shown whole, with its answers, where somebody takes them.
    if (payload["stream"] === "notice" && questioner !== undefined && isQuestion(data)) return;
    if (payload["stream"] === "notice") onNotice(noticeOf(data));
    else errorCode = codeOf(data) ?? errorCode;
  });
  const stop = client.on("chat", (payload) => {
    if (payload["runId"] !== runId) return;
    const text = textOf(payload["message"]);
    if (text !== null) show(text);
    const outcome = payload["state"];
    if (outcome === "final" || outcome === "aborted" || outcome === "error") {
      resolve({
        runId,
        outcome,
        text: shown,
        error: typeof payload["errorMessage"] === "string" ? payload["errorMessage"] : null,
        errorCode,
      });
    }
  });
  const stopQuestions = questioner === undefined ? () => undefined : followQuestions(client, runId, questioner);
  const abort = (): void => {
    void client.call("chat.abort", { sessionKey: request.sessionKey ?? "main", runId }).catch(reject);
  };
  signal.addEventListener("abort", abort, { once: true });
  void client.closed.then(() =>
    reject(new AppError("SYS_002", "The gateway closed the connection before the answer was complete.")),
  );
  try {
    await client.call<typeof agent>("agent", { ...request, idempotencyKey: runId });
    return await promise;
  } finally {
    stop();
    stopCodes();
    stopQuestions();
    signal.removeEventListener("abort", abort);
  }
}

/** What this turn asks, and no other. */
function followQuestions(client: GatewayClient, runId: string, questioner: Questioner): () => void {
  const stopAsked = client.on("exec.approval.requested", ({ approval }) => {
    const view = approval as ShownApproval | undefined;
    if (view?.runId === runId) questioner.asked(view);
  });
  const stopResolved = client.on("exec.approval.resolved", ({ id, state, resolvedBy }) => {
    questioner.resolved(String(id), String(state), typeof resolvedBy === "string" ? resolvedBy : null);
  });
  return () => {
    stopAsked();
    stopResolved();
  };
}

/** The answer goes to standard output; what is said about it beside it, on a line of its own. */
export function readerAt(output: Output): RunReader & { endLine(): void } {
  let isInLine = false;
  const endLine = (): void => {
    if (isInLine) output.write("\n");
    isInLine = false;
  };
  return {
    onText(text) {
      if (output.json || text === "") return;
      output.write(text);
      isInLine = !text.endsWith("\n");
    },
    onNotice(text) {
      endLine();
      output.note(output.dim(text));
    },
    endLine,
  };
}

/** What a failed run is told as; null where it did not fail. */
export function failureOf({ outcome, error, errorCode }: RunResult): AppError | null {
  if (outcome !== "error") return null;
  return new AppError(errorCode ?? "SYS_001", error ?? "The turn failed.");
}

function commonLength(left: string, right: string): number {
  let length = 0;
  while (length < left.length && left[length] === right[length]) length += 1;
  return length;
}

function noticeOf(data: unknown): string {
  const text = (data as { text?: unknown } | undefined)?.text;
  return typeof text === "string" ? text : "";
}

function isQuestion(data: unknown): boolean {
  return (data as { kind?: unknown } | undefined)?.kind === "approval";
}

function codeOf(data: unknown): ErrorCode | null {
  const code = (data as { errorCode?: unknown } | undefined)?.errorCode;
  return isErrorCode(code) ? code : null;
}

function textOf(message: unknown): string | null {
  const content = (message as { content?: unknown } | undefined)?.content;
  if (!Array.isArray(content)) return null;
  return content.map((part: { text?: unknown }) => (typeof part.text === "string" ? part.text : "")).join("");
}
