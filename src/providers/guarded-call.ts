/**
 * Keeps the stream contract for every provider: one `end` or `failure` last, nothing thrown, an abort obeyed at once,
 * a silent endpoint given up. Knows no protocol; repeats nothing.
 */
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import type { Timer } from "../platform/clock.ts";
import type { ModelEvent, ModelRequest, ProviderDeps, ProviderEndpoint } from "./contract.ts";
import { soundUsage } from "../domain/money.ts";
import type { QuotaWindow } from "../domain/quota.ts";
import { providerFailure, type ProviderFault } from "./failure.ts";
import { faultScene } from "./failure/scene.ts";
import { fitRequest } from "./fit-request.ts";
import { quotaWindows } from "./quota.ts";
import { costHeader, costOfHeader } from "./reported-cost.ts";

/** What a protocol gets for one call. */
export interface Call {
  /** Aborted when the caller aborts, the endpoint is silent for too long, or nobody listens any more. */
  readonly signal: AbortSignal;
  /** The gateway's HTTP, bound to `signal`; every byte that comes counts as a sign of life. */
  readonly fetch: typeof globalThis.fetch;
  /** Status of the last answer; null before there is one. */
  status(): number | null;
  /** Whether the end of the received bytes holds these ASCII characters. */
  endsWith(text: string): boolean;
}

export interface CallScene {
  readonly request: ModelRequest;
  readonly endpoint: ProviderEndpoint;
  readonly deps: ProviderDeps;
  /** Says what a thrown value means; null leaves it to the guard. */
  readonly faultOf: (thrown: unknown) => ProviderFault | null;
}

/** `run` gets the request as every wire can take it. It may throw, end without a terminal event, go on after one, and ignore its signal: its listener sees none of it. */
export async function* guardedCall(
  scene: CallScene,
  signal: AbortSignal,
  run: (call: Call, request: ModelRequest) => AsyncIterable<ModelEvent>,
): AsyncGenerator<ModelEvent, void, undefined> {
  if (signal.aborted) {
    yield failure(aborted());
    return;
  }
  const call = new WatchedCall(scene, signal);
  const events = run(call, fitRequest(scene.request, scene.endpoint))[Symbol.asyncIterator]();
  let last: ModelEvent | undefined;
  let toldQuota = false;
  try {
    while (last === undefined) {
      const next = await call.next(events);
      if (next.done === true) last = failure(verdict(endedEarly, scene));
      else if (next.value.type === "end" || next.value.type === "failure") last = next.value;
      // Told by the guard alone, so that it comes once and first.
      else if (next.value.type !== "quota") {
        if (!toldQuota) yield* call.quota();
        toldQuota = true;
        yield next.value;
      }
    }
  } catch (thrown) {
    last = failure(call.stopped ?? judged(thrown, call, scene));
  } finally {
    call.close();
    // Not awaited: a protocol that hangs in a read would hold the caller.
    events.return?.(undefined).then(undefined, () => undefined);
  }
  if (!toldQuota) yield* quotaOf(last, call);
  // Told when all is put away: a listener need not come back for more.
  yield last.type === "end" ? settled(last, call) : last;
}

/** A refusal names in its body what headers do not say. */
function* quotaOf(last: ModelEvent, call: WatchedCall): Generator<ModelEvent> {
  const told =
    last.type === "failure" ? (last.error.details["quota"] as readonly QuotaWindow[] | undefined) : undefined;
  const [event] = call.quota();
  if (event !== undefined) yield event;
  else if (told !== undefined) yield { type: "quota", windows: told };
}

/** Servers in the field count in fractions and below zero; what is told of an answer can be added up. */
function settled(end: Extract<ModelEvent, { type: "end" }>, call: WatchedCall): ModelEvent {
  const costMicros = end.costMicros ?? costOfHeader(call.header(costHeader));
  const usage = end.usage === null ? null : soundUsage(end.usage);
  return { ...end, usage, ...(costMicros === undefined ? {} : { costMicros }) };
}

const endedEarly: ProviderFault = { message: "it ended without saying that it was complete", reason: "interrupted" };

function failure(error: AppError): ModelEvent {
  return { type: "failure", error: error.toJSON() };
}

function aborted(): AppError {
  return new AppError("RUN_001", "The call was aborted.");
}

function verdict(fault: ProviderFault, { endpoint, request, deps }: CallScene): AppError {
  return providerFailure(fault, faultScene(endpoint, request, deps.clock.nowMs()));
}

function judged(thrown: unknown, call: WatchedCall, scene: CallScene): AppError {
  if (thrown instanceof AppError) return thrown;
  const fault = scene.faultOf(thrown);
  if (fault !== null) return verdict(fault, scene);
  const networkCode = networkCodeOf(thrown);
  const message = networkCode ?? wordsOf(thrown);
  // Nothing was asked of anybody yet: the fault is in this house.
  if (!call.asked) return new AppError("SYS_001", message, { cause: thrown });
  // The connection broke: before the answer began nothing was said, after it something is missing.
  const broken = call.status() === null ? "network" : "interrupted";
  return verdict({ message, reason: broken, ...(networkCode === undefined ? {} : { networkCode }) }, scene);
}

/** What was thrown may be anything, an object without a name of its own too. */
function wordsOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message;
  return typeof thrown === "string" ? thrown : "an error of no known kind";
}

/** The innermost code of a chain of causes; Node's fetch wraps the socket's error twice. */
export function networkCodeOf(thrown: unknown): string | undefined {
  let code: string | undefined;
  let current = thrown;
  for (let depth = 0; depth < 8 && current instanceof Error; depth += 1) {
    const found: unknown = (current as Error & { code?: unknown }).code;
    if (typeof found === "string" && /^[A-Z][A-Z0-9_]+$/.test(found)) code = found;
    current = current.cause;
  }
  return code;
}

/** Nobody hears it: with every turn, an error of its own with its stack would be made for nothing. */
const callIsOver = "The call is over.";

class WatchedCall implements Call {
  readonly #scene: CallScene;
  readonly #outer: AbortSignal;
  readonly #controller = new AbortController();
  readonly #idleMs: number;
  #timer: Timer;
  #lastByteMs: number;
  #status: number | null = null;
  #headers: Headers | null = null;
  #asked = false;
  #receivedBytes = 0;
  #tail: Uint8Array | undefined;
  #stopped: AppError | null = null;
  /** At most one read is under way, so one slot is enough; a shared promise would gather a listener per event. */
  #giveUp: ((error: AppError) => void) | null = null;

  constructor(scene: CallScene, outer: AbortSignal) {
    this.#scene = scene;
    this.#outer = outer;
    const { deps, request } = scene;
    const idleMs = deps.idleTimeoutMs ?? limits.modelIdleMs;
    this.#idleMs = request.model.reasoning
      ? Math.max(idleMs, deps.idleTimeoutMs ?? limits.modelReasoningIdleMs)
      : idleMs;
    this.#lastByteMs = deps.clock.monotonicMs();
    this.#timer = deps.clock.after(this.#idleMs, this.#checkIdle);
    outer.addEventListener("abort", this.#onAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get asked(): boolean {
    return this.#asked;
  }

  get stopped(): AppError | null {
    return this.#stopped;
  }

  status(): number | null {
    return this.#status;
  }

  /** Of the last answer; null where it has none of that name. */
  header(name: string): string | null {
    return this.#headers?.get(name) ?? null;
  }

  *quota(): Generator<ModelEvent> {
    const windows = quotaWindows(this.#headers ?? [], this.#scene.deps.clock.nowMs());
    if (windows.length > 0) yield { type: "quota", windows };
  }

  endsWith(text: string): boolean {
    return this.#tail !== undefined && new TextDecoder().decode(this.#tail.subarray(-64)).includes(text);
  }

  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    this.#asked = true;
    const response = await this.#scene.deps.fetch(input, { ...init, signal: this.signal });
    this.#status = response.status;
    this.#headers = response.headers;
    this.#touch();
    if (response.body === null) return response;
    const { status, statusText, headers } = response;
    return new Response(this.#watched(response.body), { status, statusText, headers });
  };

  next(events: AsyncIterator<ModelEvent>): Promise<IteratorResult<ModelEvent>> {
    if (this.#stopped !== null) return Promise.reject(this.#stopped);
    return new Promise<IteratorResult<ModelEvent>>((resolve, reject) => {
      this.#giveUp = reject;
      events.next().then(resolve, reject);
    }).finally(() => (this.#giveUp = null));
  }

  close(): void {
    this.#timer.cancel();
    this.#outer.removeEventListener("abort", this.#onAbort);
    // Frees the connection where the listener left early or the answer goes on behind its end.
    this.#controller.abort(callIsOver);
  }

  #watched(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    const reader = body.getReader();
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const { done, value } = await reader.read();
          if (done) {
            controller.close();
            return;
          }
          this.#receive(value);
          controller.enqueue(value);
        },
        cancel: (reason) => reader.cancel(reason),
      },
      { highWaterMark: 0 },
    );
  }

  #receive(bytes: Uint8Array): void {
    this.#tail = bytes;
    this.#receivedBytes += bytes.length;
    this.#touch();
    if (this.#receivedBytes <= limits.modelAnswerBytes) return;
    this.#stop(
      verdict({ message: `it is longer than ${limits.modelAnswerBytes} bytes`, reason: "unreadable" }, this.#scene),
    );
  }

  #touch(): void {
    this.#lastByteMs = this.#scene.deps.clock.monotonicMs();
  }

  /** Sleeps on for what is left instead of being set anew by every byte. */
  readonly #checkIdle = (): void => {
    const { clock } = this.#scene.deps;
    // While nobody reads, the silence is the listener's.
    if (this.#giveUp === null) this.#touch();
    const leftMs = this.#lastByteMs + this.#idleMs - clock.monotonicMs();
    if (leftMs > 0) {
      this.#timer = clock.after(leftMs, this.#checkIdle);
      return;
    }
    this.#stop(
      verdict({ message: `nothing came for ${Math.round(this.#idleMs / 1000)} s`, reason: "timeout" }, this.#scene),
    );
  };

  readonly #onAbort = (): void => this.#stop(aborted());

  #stop(error: AppError): void {
    if (this.#stopped !== null) return;
    this.#stopped = error;
    this.#controller.abort(error);
    this.#giveUp?.(error);
  }
}
