/**
 * One turn as a terminal shows it: the message goes out, the text comes in as it is written, and the end is told once.
 * Used by `agent` and `chat`.
 */
import { AppError } from "../domain/app-error.ts";
import { isErrorCode, type ErrorCode } from "../domain/error-codes.ts";
import { systemIds } from "../platform/ids.ts";
import type { agent } from "../protocol/methods/agent.ts";
import type { GatewayClient } from "./gateway-client.ts";

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

/** `onText` gets what is new each time. Aborting `signal` stops the turn on the gateway too. */
export async function followRun(
  client: GatewayClient,
  request: RunRequest,
  onText: (text: string) => void,
  signal: AbortSignal,
): Promise<RunResult> {
  const runId = systemIds().uuid();
  const { promise, resolve, reject } = Promise.withResolvers<RunResult>();
  // Where the turn was refused nobody waits for its end; a lost connection then is no failure of its own.
  promise.catch(() => undefined);
  let shown = "";
  const show = (text: string): void => {
    // Each event carries the whole text so far: what is new is what lies behind that which is on the screen.
    if (text.length <= shown.length) return;
    onText(text.slice(shown.length));
    shown = text;
  };
  let errorCode: ErrorCode | null = null;
  // The chat's own event has no room for a code; that of the run comes just before it.
  const stopCodes = client.on("agent", (payload) => {
    if (payload["runId"] === runId) errorCode = codeOf(payload["data"]) ?? errorCode;
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
    signal.removeEventListener("abort", abort);
  }
}

/** What a failed run is told as; null where it did not fail. */
export function failureOf({ outcome, error, errorCode }: RunResult): AppError | null {
  if (outcome !== "error") return null;
  return new AppError(errorCode ?? "SYS_001", error ?? "The turn failed.");
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
