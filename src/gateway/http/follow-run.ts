/**
 * One request, one turn: lets the caller's message in through the door and follows its run to the end. A caller who
 * hangs up ends the run, unless another connection waits for it too; a run that falls silent is ended and named. A run
 * that waits for a person is not silent: it is waited for longer, and where the request gives up it goes on.
 */
import { AppError } from "../../domain/app-error.ts";
import type { Principal } from "../../domain/authority.ts";
import type { ToolCall } from "../../domain/conversation.ts";
import type { EventOf, StopReason } from "../../domain/events.ts";
import { limits } from "../../domain/limits.ts";
import { noMentions, type Content, type InboundMessage } from "../../domain/message.ts";
import type { TokenUsage } from "../../domain/money.ts";
import type { TurnOptions } from "../../agent/turn-options.ts";
import type { TurnRow } from "../../store/port.ts";
import type { GatewayDeps } from "../deps.ts";
import type { AuthorisedExchange } from "./contract.ts";
import type { RunEvent, RunRelay } from "./run-relay.ts";

export interface RunRequest {
  readonly runId: string;
  readonly sessionKey: string;
  readonly agentId: string;
  readonly ephemeral: boolean;
  readonly content: readonly Content[];
  readonly options: TurnOptions;
}

export interface EndedRun {
  readonly text: string;
  readonly stopReason: StopReason;
  readonly usage: TokenUsage;
  readonly toolCalls: readonly ToolCall[];
}

export interface RunListener {
  /** The message is durable, the run is on its way. */
  readonly onAccepted?: () => void;
  /**
   * What the text gained. The deltas joined are the text of the run, but where its answer began anew: what was sent cannot
   * be taken back over HTTP, so `beginsAnew` stands between it and the new one. The run's own text has neither.
   */
  readonly onText: (delta: string) => void;
}

export type FollowRun = (exchange: AuthorisedExchange, request: RunRequest, listener: RunListener) => Promise<EndedRun>;

/** Throws the refusal, the run's own error, MODEL_006 after too long a silence, RUN_001 when the caller is gone. */
export function createFollowRun(deps: GatewayDeps, relay: RunRelay): FollowRun {
  return async (exchange, request, listener) => {
    const following = new Following(deps, relay, request, listener);
    const onClose = (): void => following.callerLeft();
    exchange.res.once("close", onClose);
    try {
      await following.begin(exchange);
      return await following.ended;
    } finally {
      exchange.res.off("close", onClose);
      following.stop();
    }
  };
}

/** As Markdown it is a line across the answer, and as plain text it still says what happened. */
export const beginsAnew = "\n\n---\n\n(The answer was interrupted; here it is again.)\n\n";

class Following {
  readonly ended: Promise<EndedRun>;
  readonly #settle: PromiseWithResolvers<EndedRun>;
  readonly #deps: GatewayDeps;
  readonly #request: RunRequest;
  readonly #listener: RunListener;
  readonly #unfollow: () => { readonly others: boolean };
  #sentChars = 0;
  #lastSignMs: number;
  #watch: { cancel(): void };
  /** The question that the run waits with; null while it goes on. */
  #question: string | null = null;
  readonly #stopHearing: () => void;
  #hasCallerLeft = false;
  /** A tool runs, or waits for a person's yes: both have a time of their own, and the model is not silent meanwhile. */
  #isToolOut = false;

  constructor(deps: GatewayDeps, relay: RunRelay, request: RunRequest, listener: RunListener) {
    this.#deps = deps;
    this.#request = request;
    this.#listener = listener;
    this.#settle = Promise.withResolvers<EndedRun>();
    this.ended = this.#settle.promise;
    // It may be settled before anybody awaits it; whoever does still sees the failure.
    this.ended.catch(() => undefined);
    this.#unfollow = relay.follow(request.runId, (event) => this.#hear(event));
    this.#stopHearing = deps.bus.on("approval.resolved", ({ id }) => {
      if (id === this.#question) this.#goesOn();
    });
    this.#lastSignMs = deps.clock.monotonicMs();
    this.#watch = this.#watchFor(this.#silenceMs());
  }

  async begin({ principal }: AuthorisedExchange): Promise<void> {
    const { runId, sessionKey, agentId, options, ephemeral } = this.#request;
    const admission = await this.#deps.admit({
      message: this.#message(principal),
      origin: { via: "gateway", principal },
      runId,
      sessionKey,
      agentId,
      options: { ...options, origin: "api" },
      ephemeral,
    });
    if (admission.outcome === "refused") throw admission.error;
    this.#listener.onAccepted?.();
    if (admission.outcome === "duplicate" && admission.ended) await this.#recall(admission.runId);
    // It left while the message was being written: the run exists now and has to be ended.
    if (this.#hasCallerLeft) this.callerLeft();
  }

  /** Nobody reads any more. The model call ends with the last one who waited for it. */
  callerLeft(): void {
    this.#hasCallerLeft = true;
    const { others } = this.#unfollow();
    if (!others) this.#deps.turns.abort(this.#request.runId, "caller-gone");
    this.#settle.reject(new AppError("RUN_001", "The caller hung up."));
  }

  stop(): void {
    this.#watch.cancel();
    this.#stopHearing();
    this.#unfollow();
  }

  #hear(event: RunEvent): void {
    this.#lastSignMs = this.#deps.clock.monotonicMs();
    if (event.type === "run.parked") this.#question = event.approvalId;
    if (event.type === "run.notice" && event.approvalId !== undefined) this.#question = event.approvalId;
    // It was taken up again: answered while another node or the last run of the gateway had it.
    if (event.type === "run.started" && this.#question !== null) this.#goesOn();
    if (event.type === "tool.started") this.#isToolOut = true;
    if (event.type === "tool.completed" || event.type === "tool.failed") this.#isToolOut = false;
    if (event.type === "run.text") this.#say(event.soFar);
    if (event.type === "run.restarted") this.#beginAnew(event.soFar);
    if (event.type === "run.ended") this.#end(event);
  }

  /** By position in the whole text, so that a second follower who came late misses nothing and hears nothing twice. */
  #say(soFar: string): void {
    if (soFar.length <= this.#sentChars) return;
    const delta = soFar.slice(this.#sentChars);
    this.#sentChars = soFar.length;
    this.#listener.onText(delta);
  }

  #beginAnew(soFar: string): void {
    if (this.#sentChars <= soFar.length) return;
    this.#sentChars = soFar.length;
    this.#listener.onText(beginsAnew);
  }

  #end(run: EventOf<"run.ended"> | FinishedTurn): void {
    if (run.outcome === "final") {
      this.#say(run.text);
      this.#settle.resolve(run);
      return;
    }
    const error =
      run.error === undefined ? new AppError("RUN_001", "The turn was aborted.") : AppError.fromJSON(run.error);
    this.#settle.reject(error);
  }

  /** The same request again, after its turn has ended: the answer stands in the store. */
  async #recall(runId: string): Promise<void> {
    const row = await this.#deps.turns.wait(runId, limits.httpSilenceMs);
    if (row === null) throw new AppError("RPC_007", "The answer to this idempotency key is not kept any more.");
    this.#end(finishedTurn(row));
  }

  #watchFor(delayMs: number): { cancel(): void } {
    return this.#deps.clock.after(delayMs, () => {
      const silentMs = this.#deps.clock.monotonicMs() - this.#lastSignMs;
      const given = this.#question === null ? this.#silenceMs() : limits.httpApprovalWaitMs;
      const leftMs = this.#question === null && this.#isToolOut ? given : given - silentMs;
      if (leftMs > 0) {
        this.#watch = this.#watchFor(leftMs);
        return;
      }
      if (this.#question !== null) return this.#giveUpWaiting(this.#question);
      this.#settle.reject(
        new AppError("MODEL_006", `The model said nothing for ${Math.round(silentMs / 1000)} seconds.`),
      );
      this.#deps.turns.abort(this.#request.runId, "silent");
    });
  }

  #goesOn(): void {
    this.#question = null;
    this.#lastSignMs = this.#deps.clock.monotonicMs();
    this.#watch.cancel();
    this.#watch = this.#watchFor(this.#silenceMs());
  }

  /** The run keeps its question and goes on once that is answered; a stateless one has nobody left who would read it. */
  #giveUpWaiting(approvalId: string): void {
    const { runId, ephemeral } = this.#request;
    const after = ephemeral
      ? "Ask again when somebody can answer; or name a session, whose run waits for the answer."
      : "It goes on when that is answered: ask again with the same Idempotency-Key, or look into the session.";
    this.#settle.reject(
      new AppError("SEC_011", `The assistant waits for a person's word (question ${approvalId}). ${after}`, {
        details: { httpStatus: 409, approvalId },
      }),
    );
    if (ephemeral) this.#deps.turns.abort(runId, "nobody answered while its caller waited");
  }

  #silenceMs(): number {
    const { options, agentId } = this.#request;
    const { models } = this.#deps;
    const model = options.model === undefined ? models.primary(agentId) : models.find(options.model);
    return model?.reasoning === true ? limits.httpThinkingSilenceMs : limits.httpSilenceMs;
  }

  #message(principal: Principal): InboundMessage {
    const { runId, sessionKey, content } = this.#request;
    const nowMs = this.#deps.clock.nowMs();
    return {
      id: this.#deps.ids.uuid(),
      kind: "message",
      address: { channel: "webchat", accountId: "default", chatId: sessionKey, chatKind: "dm" },
      sender: { id: principal.id },
      platformMessageId: runId,
      content: [...content],
      mentions: noMentions,
      sentAtMs: nowMs,
      receivedAtMs: nowMs,
      // Policy judges its tools by what the credential covers.
      raw: { principal: principal.id, scopes: [...principal.scopes] },
    };
  }
}

type FinishedTurn = EndedRun & Pick<EventOf<"run.ended">, "outcome" | "error">;

function finishedTurn(row: TurnRow): FinishedTurn {
  return {
    outcome: row.state === "running" ? "error" : row.state,
    text: row.text,
    stopReason: row.stopReason ?? "error",
    usage: row.usage,
    toolCalls: row.toolCalls,
    ...(row.error === null ? {} : { error: row.error }),
  };
}
