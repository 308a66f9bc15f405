/**
 * The context of one turn: what was said before, this message, and what the turn has done so far, put together anew for
 * every call. The history is viewed once; only a compaction or a quarantine changes the view.
 */
import type { Config } from "../../config/schema/root.ts";
import { AppError, type AppErrorJson } from "../../domain/app-error.ts";
import type { ModelInfo } from "../../domain/conversation.ts";
import type { TokenUsage } from "../../domain/money.ts";
import { compact } from "./compact.ts";
import type {
  AssembledContext,
  CallFacts,
  CompactionOptions,
  CompactionOutcome,
  CompactionReason,
  TurnContext,
  TurnFacts,
} from "./contract.ts";
import type { KeeperDeps, Rest } from "./keeper.ts";
import { openingOf, type Opening } from "./opening.ts";
import { afterAnswer, afterRefusal, troubleOf, troubleSetting, type ContextTrouble } from "./quarantine.ts";
import {
  assembledContext,
  draftRequest,
  fitRequest,
  type Draft,
  type DraftDeps,
  type FittedRequest,
} from "./request-draft.ts";
import { textTokens, type Pause, type TokenCounter } from "./token-estimate.ts";
import type { TokenScale } from "./token-scale.ts";

export interface TurnContextDeps extends KeeperDeps {
  readonly counter: TokenCounter;
  readonly scale: TokenScale;
  readonly pause: Pause;
  readonly rest: Rest;
}

/** After an overflow, the next request is to be smaller by this, whatever the window is said to be. */
const afterOverflowShare = 0.5;

export class OpenTurnContext implements TurnContext {
  readonly #turn: TurnFacts;
  readonly #deps: TurnContextDeps;
  readonly #defaults: Config["agents"]["defaults"];
  /** Only a transcript of our own can be summed up: what a caller tells is the caller's. */
  readonly #isOurs: boolean;
  #trouble: ContextTrouble | null;
  #opening: Opening | undefined;
  /** What a request may have after an overflow, by the model's own way of counting. */
  #capTokens = Number.POSITIVE_INFINITY;
  /** The request that was put together last. */
  #last: FittedRequest | undefined;
  readonly #spent = new Set<CompactionReason>();
  readonly #compactions: CompactionOutcome[] = [];

  constructor(turn: TurnFacts, deps: TurnContextDeps) {
    this.#turn = turn;
    this.#deps = deps;
    this.#defaults = deps.config().agents.defaults;
    this.#isOurs = turn.session !== null && turn.history.kind === "transcript";
    this.#trouble = turn.session === null ? null : troubleOf(turn.session);
  }

  async assemble(call: CallFacts): Promise<AssembledContext> {
    this.#turn.signal.throwIfAborted();
    let draft = await this.#draft(call);
    const before = draft.tokens;
    const attempt = await this.#compactFirst(draft);
    this.#turn.signal.throwIfAborted();
    if (attempt !== null) draft = await this.#draft(call);
    const request = this.#fit(draft);
    if (request === null) throw noRoom(draft);
    if (attempt !== null) this.#compactions.push(attempt.compacted ? attempt : cutInstead(attempt, before, request));
    this.#last = request;
    const { view, quarantined } = await this.#begin();
    const facts = { compactions: [...this.#compactions], summedUp: view.summedUp, quarantined };
    return assembledContext(draft, request, this.#draftDeps(), facts);
  }

  async compactNow(
    reason: CompactionReason,
    call: CallFacts,
    options: CompactionOptions = {},
  ): Promise<CompactionOutcome> {
    if (this.#spent.has(reason)) return { compacted: false, why: "spent" };
    this.#spent.add(reason);
    if (reason === "overflow") return this.#afterOverflow(call, options);
    if (!this.#isOurs) return { compacted: false, why: "nothing-to-compact" };
    return this.#compact(reason, await this.#draft(call), options);
  }

  async answered(model: ModelInfo, usage: TokenUsage, { estimated }: { estimated: boolean }): Promise<void> {
    if (!estimated && this.#last !== undefined) {
      this.#deps.scale.learn(model, this.#last.estimated, usage.input + usage.cacheRead + usage.cacheWrite);
    }
    await this.#remember(afterAnswer(this.#trouble));
  }

  async refused(error: AppErrorJson): Promise<boolean> {
    const { session, inputId } = this.#turn;
    if (session === null) return false;
    const next = afterRefusal(this.#trouble, { sessionId: session.sessionId, error, inputId });
    const isNew = next.keptFrom === inputId && this.#trouble?.keptFrom !== inputId;
    const { view } = await this.#begin();
    await this.#remember(next);
    // Where nothing was said before, it is not the history that is refused.
    if (!isNew || (view.lines.length === 0 && view.summary === null)) return false;
    this.#opening = undefined;
    this.#turn.tell(quarantineNotice);
    return true;
  }

  leastTokens({ system, tools }: Pick<CallFacts, "system" | "tools">): number {
    const { counter } = this.#deps;
    return textTokens(system) + counter.tools(tools) + counter.conversation(this.#turn.input);
  }

  async #begin(): Promise<Opening> {
    if (this.#opening === undefined) {
      const { counter, pause, clock } = this.#deps;
      this.#opening = openingOf(this.#turn, this.#trouble?.keptFrom ?? null, clock.nowMs());
      await counter.warm(
        this.#opening.view.lines.map(({ message }) => message),
        pause,
      );
    }
    return this.#opening;
  }

  #draftDeps(): DraftDeps {
    const { counter, scale, clock } = this.#deps;
    return { counter, scale, defaults: this.#defaults, nowMs: clock.nowMs() };
  }

  async #draft(call: CallFacts): Promise<Draft> {
    return draftRequest(call, await this.#begin(), this.#draftDeps());
  }

  #fit(draft: Draft): FittedRequest | null {
    return fitRequest(draft, this.#roomTokens(draft), this.#draftDeps());
  }

  #roomTokens({ window }: Draft): number {
    return Math.min(window.inputTokens, this.#capTokens);
  }

  /** Null where nothing was tried: there is room, or this turn has had its compaction. */
  async #compactFirst(draft: Draft): Promise<CompactionOutcome | null> {
    const isOver = draft.tokens > Math.min(draft.window.triggerTokens, this.#capTokens);
    if (!isOver || !this.#mayAsk() || this.#spent.has("threshold") || this.#spent.has("overflow")) return null;
    this.#spent.add("threshold");
    return this.#compact("threshold", draft, {});
  }

  #mayAsk(): boolean {
    return this.#isOurs && this.#defaults.compaction.mode !== "off" && this.#deps.rest.isDue(this.#turn.sessionKey);
  }

  async #compact(reason: CompactionReason, draft: Draft, options: CompactionOptions): Promise<CompactionOutcome> {
    const { rest, scale } = this.#deps;
    const { model } = draft.call;
    const opening = await this.#begin();
    const { outcome, view } = await compact(
      {
        turn: this.#turn,
        view: opening.view,
        inputId: opening.inputId,
        model,
        settings: this.#defaults.compaction,
        reason,
        options,
        roomTokens: this.#roomTokens(draft),
        scaled: (estimated) => scale.scaled(model, estimated),
      },
      this.#deps,
    );
    this.#opening = { ...opening, view };
    if (outcome.compacted) this.#turn.tell(noticeOf(outcome));
    else if (outcome.why === "model-failed" || outcome.why === "no-reduction") rest.failed(this.#turn.sessionKey);
    return outcome;
  }

  async #afterOverflow(call: CallFacts, options: CompactionOptions): Promise<CompactionOutcome> {
    const { scale } = this.#deps;
    if (this.#last !== undefined) scale.overflowed(call.model, this.#last.estimated, options.error);
    const refusedTokens =
      this.#last === undefined ? (await this.#draft(call)).tokens : scale.scaled(call.model, this.#last.estimated);
    this.#capTokens = Math.floor(refusedTokens * afterOverflowShare);
    const outcome: CompactionOutcome = this.#mayAsk()
      ? await this.#compact("overflow", await this.#draft(call), options)
      : { compacted: false, why: "nothing-to-compact" };
    if (!outcome.compacted && outcome.why === "aborted") return outcome;
    const request = this.#fit(await this.#draft(call));
    // What cannot be cut to that share is as small as it gets: it is asked as it is, or not at all.
    if (request === null) this.#capTokens = Number.POSITIVE_INFINITY;
    if (!outcome.compacted && request === null) return { compacted: false, why: "no-reduction" };
    const told = outcome.compacted || request === null ? outcome : cutInstead(outcome, refusedTokens, request);
    this.#compactions.push(told);
    return told;
  }

  async #remember(next: ContextTrouble | null): Promise<void> {
    if (next === this.#trouble) return;
    this.#trouble = next;
    const { sessions, clock, log } = this.#deps;
    try {
      await sessions.patch(this.#turn.sessionKey, { [troubleSetting]: next }, clock.nowMs());
    } catch (thrown) {
      // The answer is worth more than the memory of its trouble.
      log.warn("what a provider refused could not be remembered", { error: AppError.from(thrown).toJSON() });
    }
  }
}

const quarantineNotice =
  "The provider refused this conversation twice. What was said before this message is left out from here on; it stays in the history.";

function noticeOf({ method, tokensBefore, tokensAfter }: Extract<CompactionOutcome, { compacted: true }>): string {
  const how = method === "summary" ? "was summed up" : "was cut";
  return `The conversation so far ${how}: about ${tokensBefore} tokens became ${tokensAfter}.`;
}

/** There is no summary, and the request is made to fit all the same. */
function cutInstead(
  failed: Extract<CompactionOutcome, { compacted: false }>,
  tokensBefore: number,
  { tokens }: FittedRequest,
): CompactionOutcome {
  if (tokens >= tokensBefore) return failed;
  const { error } = failed;
  return {
    compacted: true,
    method: "truncation",
    tokensBefore,
    tokensAfter: tokens,
    ...(error === undefined ? {} : { error }),
  };
}

function noRoom({ call, window }: Draft): AppError {
  return new AppError(
    "MODEL_007",
    `The instructions and tools alone leave no room for a message in the ${window.tokens} tokens of ${call.model.id}.`,
    { details: { reason: "context_overflow", model: call.model.id } },
  );
}
