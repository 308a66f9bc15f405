/**
 * Asks an endpoint for vectors: within limits of size and time, again where that may help, and not at all for a while after
 * several failures. Owns the circuit; one per model.
 */
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Ids } from "../../platform/ids.ts";
import type { EmbeddingEndpoint } from "./contract.ts";
import { embeddingRequest, readEmbeddings, type Embedded } from "./request.ts";

export interface Embedder {
  readonly endpoint: EmbeddingEndpoint;
  /**
   * For texts of the memory: tried several times. Throws CONN_001, CONN_003, MODEL_002, MODEL_004 or MODEL_005 where there
   * are no vectors, at once while the endpoint is left alone, BUDGET_001–003 where nobody pays, and the signal's reason.
   */
  texts(texts: readonly string[], asker: Asker): Promise<Embedded>;
  /** For a question that somebody waits for: once, and in a short time. Throws the same. */
  question(text: string, asker: Asker): Promise<Embedded>;
  /** Why it is left alone at this moment; null where it may be asked. */
  trouble(): string | null;
  /** Milliseconds until it may be asked again; 0 where it may. */
  pauseMs(): number;
}

export interface Asker {
  /** Whose memory it is for: its purse pays. */
  readonly agentId: string;
  readonly signal: AbortSignal;
}

export interface EmbedderDeps {
  readonly clock: Clock;
  readonly ids: Ids;
}

export function createEmbedder(endpoint: EmbeddingEndpoint, { clock, ids }: EmbedderDeps): Embedder {
  let failures = 0;
  let pausedUntilMs = 0;
  let last: AppError | null = null;

  function failed(error: AppError, weight: number): void {
    failures += weight;
    last = error;
    if (failures < limits.embeddingBreakerFailures) return;
    const doublings = Math.min(10, failures - limits.embeddingBreakerFailures);
    const pauseMs = Math.min(limits.embeddingPauseCapMs, limits.embeddingPauseMs * 2 ** doublings);
    pausedUntilMs = clock.monotonicMs() + Math.max(pauseMs, error.retryAfterMs ?? 0);
  }

  async function once(texts: readonly string[], timeoutMs: number, { agentId, signal }: Asker): Promise<Embedded> {
    signal.throwIfAborted();
    return endpoint.paid({ agentId, inputBytes: bytesOf(texts) }, async () => {
      try {
        const answer = await ask(endpoint, texts, { timeoutMs, signal, clock });
        failures = 0;
        last = null;
        return answer;
      } catch (thrown) {
        if (signal.aborted) throw thrown;
        const error = AppError.from(thrown, "CONN_001");
        // A refused key does not mend itself, and one that was silent has cost its time already.
        failed(
          error,
          error.retry === "never" || error.details["silent"] === true ? limits.embeddingBreakerFailures : 1,
        );
        throw error;
      }
    });
  }

  const pauseMs = (): number => Math.max(0, pausedUntilMs - clock.monotonicMs());
  function refuseWhilePaused(): void {
    if (pauseMs() > 0 && last !== null) throw last;
  }

  return {
    endpoint,
    async question(text, asker) {
      refuseWhilePaused();
      return once([text], limits.embeddingQueryTimeoutMs, asker);
    },
    async texts(texts, asker) {
      const { signal } = asker;
      for (let attempt = 1; ; attempt += 1) {
        refuseWhilePaused();
        try {
          return await once(texts, limits.embeddingTimeoutMs, asker);
        } catch (thrown) {
          const error = AppError.from(thrown);
          const isLast = attempt >= limits.embeddingAttempts || pauseMs() > 0;
          if (signal.aborted || isLast || error.retry === "never" || isRefused(error)) throw error;
          const backoffMs = limits.embeddingBackoffMs * 2 ** (attempt - 1) * (0.5 + ids.random() / 2);
          await clock.sleep(Math.min(limits.embeddingBackoffCapMs, error.retryAfterMs ?? backoffMs), signal);
        }
      }
    },
    trouble: () => (last !== null && pauseMs() > 0 ? last.message : null),
    pauseMs,
  };
}

/** Nobody pays for it: that is not mended by asking again at once. */
function isRefused({ code }: AppError): boolean {
  return code.startsWith("BUDGET_");
}

/** With what a model adds to each text for itself. */
function bytesOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text) + marksPerText, 0);
}

/** Tokens: where a text begins and ends, and what it is for. */
const marksPerText = 16;

interface AskOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

async function ask(endpoint: EmbeddingEndpoint, texts: readonly string[], options: AskOptions): Promise<Embedded> {
  const { timeoutMs, signal, clock } = options;
  const stop = new AbortController();
  const silent = new AppError("CONN_001", `The embedding provider did not answer within ${timeoutMs / 1_000} s.`, {
    details: { silent: true },
  });
  const timer = clock.after(timeoutMs, () => stop.abort(silent));
  const onAbort = (): void => stop.abort(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await untilAborted(exchange(endpoint, texts, stop.signal), stop.signal);
  } catch (thrown) {
    if (stop.signal.aborted) throw stop.signal.reason;
    throw AppError.from(thrown, "CONN_001");
  } finally {
    timer.cancel();
    signal.removeEventListener("abort", onAbort);
  }
}

/** Also where the one who is asked takes no notice of the signal. */
async function untilAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason as Error);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
    work.catch(() => "whoever waited was told of the signal");
  }
}

async function exchange(endpoint: EmbeddingEndpoint, texts: readonly string[], signal: AbortSignal): Promise<Embedded> {
  const { url, body } = embeddingRequest(endpoint, texts);
  const response = await endpoint.fetch(url, {
    method: "POST",
    headers: { ...(await endpoint.headers()), "content-type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw refusal(response);
  }
  return readEmbeddings(endpoint.api, jsonOf(await boundedText(response)), texts.length);
}

function refusal(response: Response): AppError {
  const { status } = response;
  const message = `The embedding provider answered ${status}.`;
  const details = { status };
  const seconds = Number(response.headers.get("retry-after") ?? "");
  const wait =
    Number.isFinite(seconds) && seconds > 0
      ? { details, retryAfterMs: Math.min(seconds * 1_000, limits.embeddingPauseCapMs) }
      : { details };
  if (status === 401 || status === 403) return new AppError("MODEL_002", message, { details });
  if (status === 429) return new AppError("MODEL_003", message, wait);
  if (status >= 500) return new AppError("MODEL_004", message, wait);
  return new AppError("MODEL_008", message, { details });
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of response.body ?? []) {
    total += chunk.byteLength;
    if (total > limits.embeddingAnswerBytes) {
      throw new AppError(
        "MODEL_005",
        `The embedding provider's answer is larger than ${limits.embeddingAnswerBytes} bytes.`,
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, total).toString("utf8");
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError("MODEL_005", "The embedding provider's answer is no JSON.", { cause });
  }
}
