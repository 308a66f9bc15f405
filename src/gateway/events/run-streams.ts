/**
 * A run as clients see it. Text is gathered for a moment and told as the whole text so far; a run ends once, and after
 * its end nothing of it is told. Listens to the bus alone and holds a run no longer than it lasts.
 */
import type { AppEvent, EventOf } from "../../domain/events.ts";
import { limits } from "../../domain/limits.ts";
import type { Clock, Timer } from "../../platform/clock.ts";
import { wireEvent, type WireEvent } from "../ws/wire-event.ts";

export interface RunStreamsDeps {
  readonly clock: Clock;
  readonly broadcast: (event: WireEvent) => void;
  readonly runEnded: (runId: string) => void;
}

type RunEvent = Extract<AppEvent, { runId: string; sessionKey: string }>;

/** How many ended runs are remembered, so that a late event of one is not taken for a new run. */
const rememberedEnds = 1_000;

interface Run {
  readonly runId: string;
  readonly sessionKey: string;
  readonly agentId: string;
  chatSeq: number;
  agentSeq: number;
  text: string;
  toldText: string;
  toldThinking: string;
  thinking: string;
  lastToldMs: number;
  timer: Timer | null;
}

type AgentStream = "lifecycle" | "assistant" | "thinking" | "tool" | "notice";

export class RunStreams {
  readonly #deps: RunStreamsDeps;
  readonly #runs = new Map<string, Run>();
  readonly #ended = new Set<string>();

  constructor(deps: RunStreamsDeps) {
    this.#deps = deps;
  }

  /** Takes every event of the bus; those that belong to no run are left alone. */
  take(event: AppEvent): void {
    if (!isRunEvent(event) || this.#ended.has(event.runId)) return;
    const run = this.#runOf(event);
    switch (event.type) {
      case "run.started":
        this.#tellAgent(run, "lifecycle", { phase: "start", startedAt: event.atMs });
        return;
      case "run.text":
        run.text = event.soFar;
        this.#soon(run);
        return;
      case "run.restarted":
        run.text = event.soFar;
        this.#soon(run);
        return;
      case "run.notice":
        // A question shows the whole of a call: it is for whoever may read the calls of that run.
        this.#tellAgent(run, "notice", { kind: event.kind, text: event.text }, event.kind === "approval");
        return;
      case "run.thinking":
        run.thinking += event.text;
        this.#soon(run);
        return;
      case "run.parked":
        this.#tellText(run);
        this.#tellAgent(run, "lifecycle", { phase: "parked", approvalId: event.approvalId, untilMs: event.untilMs });
        return;
      case "run.steps":
      case "tool.decided":
      case "model.chosen":
      case "model.failed":
        // For the trace; whoever reads along is told by a notice.
        return;
      case "run.ended":
        this.#end(run, event);
        return;
      case "tool.started":
      case "tool.completed":
      case "tool.failed":
        // What was said before the call is told before the call.
        this.#tellText(run);
        this.#tellTool(run, event);
    }
  }

  #runOf(event: RunEvent): Run {
    const known = this.#runs.get(event.runId);
    if (known !== undefined) return known;
    const { runId, sessionKey, agentId } = event;
    const run: Run = {
      runId,
      sessionKey,
      agentId,
      chatSeq: 0,
      agentSeq: 0,
      text: "",
      toldText: "",
      toldThinking: "",
      thinking: "",
      lastToldMs: Number.NEGATIVE_INFINITY,
      timer: null,
    };
    this.#runs.set(runId, run);
    return run;
  }

  /** At once where nothing was told lately, else when the time since has passed. */
  #soon(run: Run): void {
    if (run.timer !== null) return;
    const waitMs = run.lastToldMs + limits.deltaBatchMs - this.#deps.clock.monotonicMs();
    if (waitMs <= 0) this.#tellText(run);
    else run.timer = this.#deps.clock.after(waitMs, () => this.#tellText(run));
  }

  #tellText(run: Run): void {
    run.timer?.cancel();
    run.timer = null;
    if (run.thinking !== run.toldThinking) {
      run.lastToldMs = this.#deps.clock.monotonicMs();
      const delta = run.thinking.slice(run.toldThinking.length);
      run.toldThinking = run.thinking;
      this.#tellAgent(run, "thinking", { text: run.thinking, delta });
    }
    if (run.text === run.toldText) return;
    run.lastToldMs = this.#deps.clock.monotonicMs();
    const continues = run.text.startsWith(run.toldText);
    const delta = continues ? run.text.slice(run.toldText.length) : run.text;
    run.toldText = run.text;
    this.#tellAgent(run, "assistant", { text: run.text, delta });
    this.#tellChat(run, {
      state: "delta",
      message: messageOf(run.text, this.#deps.clock.nowMs()),
      deltaText: delta,
      ...(continues ? {} : { replace: true }),
    });
  }

  #tellTool(run: Run, event: EventOf<"tool.started" | "tool.completed" | "tool.failed">): void {
    const call = { name: event.tool, toolCallId: event.callId };
    if (event.type === "tool.started") this.#tellAgent(run, "tool", { phase: "start", ...call, args: event.input });
    else if (event.type === "tool.completed") {
      this.#tellAgent(run, "tool", { phase: "result", ...call, result: event.output, isError: false });
    } else this.#tellAgent(run, "tool", { phase: "result", ...call, result: event.error.message, isError: true });
  }

  #end(run: Run, event: EventOf<"run.ended">): void {
    // Where text was streamed, its pieces add up to what the run ended with.
    if (run.text !== "" && event.text !== "") run.text = event.text;
    this.#tellText(run);
    this.#runs.delete(run.runId);
    this.#remember(run.runId);
    const { outcome, stopReason } = event;
    const errorMessage = event.error?.message ?? "The turn failed.";
    this.#tellAgent(run, "lifecycle", {
      phase: outcome === "error" ? "error" : "end",
      endedAt: event.atMs,
      stopReason,
      ...(outcome === "error" ? { error: errorMessage, errorCode: event.error?.code ?? "SYS_001" } : {}),
      ...(outcome === "aborted" ? { aborted: true } : {}),
    });
    const message = event.text === "" ? {} : { message: messageOf(event.text, event.atMs) };
    if (outcome === "error") {
      this.#tellChat(run, { state: "error", ...message, errorMessage, errorKind: errorKind(event.error?.code) });
    } else if (outcome === "aborted") this.#tellChat(run, { state: "aborted", ...message, stopReason });
    else this.#tellChat(run, { state: "final", ...message, usage: event.usage, stopReason });
    this.#deps.runEnded(run.runId);
  }

  #remember(runId: string): void {
    this.#ended.add(runId);
    if (this.#ended.size <= rememberedEnds) return;
    for (const oldest of this.#ended) {
      this.#ended.delete(oldest);
      return;
    }
  }

  #tellChat(run: Run, rest: { readonly state: string } & Readonly<Record<string, unknown>>): void {
    const { runId, sessionKey, agentId } = run;
    run.chatSeq += 1;
    const payload = { runId, sessionKey, agentId, seq: run.chatSeq, ...rest };
    this.#deps.broadcast(wireEvent("chat", payload, { sessionKey, dropIfSlow: rest.state === "delta" }));
  }

  #tellAgent(run: Run, stream: AgentStream, data: Record<string, unknown>, ofTools = stream === "tool"): void {
    run.agentSeq += 1;
    const payload = { runId: run.runId, seq: run.agentSeq, stream, ts: this.#deps.clock.nowMs(), data };
    this.#deps.broadcast(
      wireEvent("agent", payload, {
        sessionKey: run.sessionKey,
        dropIfSlow: stream === "assistant" || stream === "thinking",
        ...(ofTools ? { toolsOfRun: run.runId } : {}),
        ...(stream === "tool" || stream === "thinking" ? { tutorialName: `agent.${stream}` } : {}),
      }),
    );
  }

  /** Runs that are being told. */
  get size(): number {
    return this.#runs.size;
  }

  close(): void {
    for (const run of this.#runs.values()) run.timer?.cancel();
    this.#runs.clear();
  }
}

function isRunEvent(event: AppEvent): event is RunEvent {
  return "sessionKey" in event && "runId" in event && "agentId" in event;
}

function messageOf(text: string, timestamp: number) {
  return { role: "assistant", content: [{ type: "text", text }], timestamp };
}

/** The few kinds that clients tell apart. */
function errorKind(code: string | undefined): string {
  switch (code) {
    case "MODEL_003":
      return "rate_limit";
    case "MODEL_006":
    case "RUN_002":
      return "timeout";
    case "MODEL_007":
      return "context_length";
    default:
      return "unknown";
  }
}
