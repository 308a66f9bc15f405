/**
 * Turns that another turn asks for: helpers, and messages to other sessions. They enter through the one door under ids
 * that follow from the asking call, so that a restart asks for nothing twice; what they end with is told to the asking
 * session once; and what a stopped turn has started is stopped too.
 */
import { createHash } from "node:crypto";
import * as z from "zod";
import type { TurnOptions } from "../../agent/turn-options.ts";
import type { Turns } from "../../agent/contract.ts";
import type { Config } from "../../config/schema/root.ts";
import { AppError } from "../../domain/app-error.ts";
import { callerScopes } from "../../domain/caller-scopes.ts";
import type { EventBus } from "../../domain/events.ts";
import { wrapExternal } from "../../domain/external.ts";
import { limits } from "../../domain/limits.ts";
import { noMentions, type InboundMessage } from "../../domain/message.ts";
import { withTaint } from "../../domain/taint.ts";
import type { BornRights } from "../../domain/turn-origin.ts";
import type { Admit, AdmitRequest } from "../../inbound/contract.ts";
import type { Clock, Timer } from "../../platform/clock.ts";
import type { Ids } from "../../platform/ids.ts";
import type { Log } from "../../platform/log.ts";
import type { InboxRow, Store, TurnRow } from "../../store/port.ts";
import { asUuid } from "../../tools/sessions/born.ts";
import { endText } from "../../tools/sessions/waiting.ts";
import type { Errand, ErrandEnd, ErrandPort } from "../../tools/sessions/port.ts";
import { spawnedBySetting } from "./session-port.ts";

export interface ErrandDeps {
  readonly store: Store;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly ids: Pick<Ids, "hex">;
  readonly log: Log;
  readonly config: () => Config;
  readonly admit: Admit;
  readonly turns: Pick<Turns, "abort" | "wait">;
}

export interface Errands extends ErrandPort {
  /** Finds what the last run left: what has ended is told, what nobody waits for any more is stopped. */
  start(): Promise<void>;
  close(): void;
}

/** A helper that is under way, as it is kept. */
const helperSchema = z.object({
  runId: z.string(),
  sessionKey: z.string(),
  label: z.string().nullable(),
  parentRunId: z.string(),
  parentSessionKey: z.string(),
  parentAgentId: z.string(),
  /** Whether its end is told as a message; else whoever started it waits. */
  announce: z.boolean(),
});
type Helper = z.infer<typeof helperSchema>;

const namespace = "helpers";

export function createErrands(deps: ErrandDeps): Errands {
  return new HouseErrands(deps);
}

class HouseErrands implements Errands {
  readonly #deps: ErrandDeps;
  readonly #helpers = new Map<string, Helper>();
  /** Ends that are being told: each once at a time. */
  readonly #settling = new Map<string, Promise<void>>();
  readonly #stops: (() => void)[] = [];
  #sweep: Timer | undefined;

  constructor(deps: ErrandDeps) {
    this.#deps = deps;
  }

  async start(): Promise<void> {
    const { store, bus, clock } = this.#deps;
    for (const { value } of await store.documents.list(namespace)) {
      const helper = helperSchema.safeParse(value);
      if (helper.success) this.#helpers.set(helper.data.runId, helper.data);
    }
    this.#stops.push(
      bus.on("run.ended", ({ runId, outcome }) => {
        if (outcome === "aborted") this.#cancel((helper) => helper.parentRunId === runId);
        const helper = this.#helpers.get(runId);
        if (helper !== undefined) void this.#settle(helper);
      }),
      bus.on("session.stopped", ({ sessionKey }) => this.#cancel((helper) => helper.parentSessionKey === sessionKey)),
    );
    await this.#look();
    this.#sweep = clock.every(limits.errandSweepMs, () => this.#look());
  }

  close(): void {
    this.#sweep?.cancel();
    for (const stop of this.#stops.splice(0)) stop();
  }

  async spawn(errand: Errand): Promise<void> {
    const { store, config, clock } = this.#deps;
    if ((await store.inbox.byRunId(errand.runId)) === null) {
      const { maxConcurrent } = config().agents.defaults.subagents;
      const others = [...this.#helpers.keys()].filter((runId) => runId !== errand.runId).length;
      if (others >= maxConcurrent) {
        throw new AppError(
          "RUN_003",
          `${others} helpers are at work, and no more may be. Wait for one, or do it yourself.`,
        );
      }
      const parent = await this.#parentOf(errand);
      if (parent.ephemeral && errand.announce) {
        throw new AppError(
          "RUN_003",
          "This conversation is not kept: nobody could be told later. Call it again with wait.",
        );
      }
      // Kept before it is let in: what has begun is known to whoever has to end it.
      await this.#keep(helperOf(errand, parent));
      await this.#admit(errand, {
        parent,
        // Never a command: these are answered by rule, and some in an owner's name.
        text: `[You are a helper. Another session of this house asks for this; your answer goes back to it:]\n${errand.text}`,
      }).catch(async (thrown: unknown) => {
        await this.#forget(errand.runId);
        throw thrown;
      });
    }
    const settings = { [spawnedBySetting]: errand.born.parentSessionKey, label: errand.label ?? null };
    await store.sessions.patch(errand.sessionKey, settings, clock.nowMs());
  }

  async send(errand: Errand): Promise<void> {
    if ((await this.#deps.store.inbox.byRunId(errand.runId)) !== null) return;
    const source = { class: "foreign", source: `session ${errand.born.parentSessionKey}` } as const;
    const text = wrapExternal(errand.text, { source, marker: this.#deps.ids.hex(8) });
    const parent = await this.#parentOf(errand);
    await this.#admit(errand, { parent, text: `[Another session of this house writes:]\n${text}` });
  }

  async wait(runId: string, timeoutMs: number, signal: AbortSignal): Promise<ErrandEnd> {
    const { turns, store } = this.#deps;
    const { promise: stopped, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      signal.throwIfAborted();
      const row = await Promise.race([turns.wait(runId, timeoutMs), stopped]);
      if (row !== null) return endOf(row);
      // Nobody waits any longer: from now on the end is told.
      const helper = this.#helpers.get(runId);
      if (helper !== undefined) await this.#keep({ ...helper, announce: true });
      const late = await store.turns.get(runId);
      return late === null || late.state === "running" ? { state: "running" } : endOf(late);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  async #parentOf({ born }: Errand): Promise<InboxRow> {
    const parent = await this.#deps.store.inbox.byRunId(born.parentRunId);
    if (parent === null) throw new AppError("RUN_003", "The turn that asks is gone.");
    return parent;
  }

  /** In the name of whoever the asking turn acts for, and with its rights at most. */
  async #admit(errand: Errand, { parent, text }: { readonly parent: InboxRow; readonly text: string }): Promise<void> {
    const { runId, sessionKey, agentId, born, model } = errand;
    const options: TurnOptions = {
      origin: "subagent",
      born,
      deliver: false,
      ...(model === undefined ? {} : { model }),
    };
    const message = messageLike(parent.message, { key: runId, text, atMs: this.#deps.clock.nowMs() });
    await this.#enter({
      message,
      sessionKey,
      agentId,
      runId,
      options: { ...options },
      origin: { via: "turn", runId: born.parentRunId },
    });
  }

  /** Throws RUN_003 where the door says no. */
  async #enter(request: AdmitRequest): Promise<void> {
    const admission = await this.#deps.admit(request);
    if (admission.outcome === "refused") {
      throw new AppError("RUN_003", `It could not begin: ${admission.error.message}`, { cause: admission.error });
    }
  }

  /** Also what no event told of: another node's turns, and those that ended while nobody listened. */
  async #look(): Promise<void> {
    const { store } = this.#deps;
    for (const helper of this.#helpers.values()) {
      const [row, parent] = [await store.inbox.byRunId(helper.runId), await store.turns.get(helper.parentRunId)];
      if (row === null) await this.#forget(helper.runId);
      else if (row.endedMs !== null) await this.#settle(helper);
      else if (parent?.state === "aborted") this.#cancel((one) => one.runId === helper.runId);
    }
  }

  #settle(helper: Helper): Promise<void> {
    const known = this.#settling.get(helper.runId);
    if (known !== undefined) return known;
    const work = this.#tell(helper)
      .catch((thrown: unknown) => {
        // It is kept, and looked for again.
        const error = AppError.from(thrown).toJSON();
        this.#deps.log.warn("the end of a helper could not be told yet", { runId: helper.runId, error });
      })
      .finally(() => this.#settling.delete(helper.runId));
    this.#settling.set(helper.runId, work);
    return work;
  }

  /** The message's ids follow from the helper's run: told again, it is a repetition that the door knows. */
  async #tell({ runId }: Helper): Promise<void> {
    const { store, clock, ids } = this.#deps;
    const helper = this.#helpers.get(runId);
    const [row, turn] = [await store.inbox.byRunId(runId), await store.turns.get(runId)];
    if (helper === undefined || row === null || row.endedMs === null) return;
    const parent = helper.announce ? await store.inbox.byRunId(helper.parentRunId) : null;
    if (parent !== null) {
      const source = { class: "foreign", source: `helper ${helper.sessionKey}` } as const;
      const words = turn === null ? "It could not be answered." : endText(endOf(turn));
      const text = `[The helper${helper.label === null ? "" : ` ${JSON.stringify(helper.label)}`} that you started has ended.]\n${wrapExternal(words, { source, marker: ids.hex(8) })}`;
      const born = row.options["born"] as BornRights;
      const rights: BornRights = {
        ...born,
        parentRunId: runId,
        parentSessionKey: helper.sessionKey,
        taint: withTaint(born.taint, [source]),
      };
      const deliver = parent.options["deliver"];
      const options = { origin: "subagent", born: rights, ...(deliver === undefined ? {} : { deliver }) };
      const message = messageLike(parent.message, { key: `end:${runId}`, text, atMs: clock.nowMs() });
      const { parentSessionKey: sessionKey, parentAgentId: agentId } = helper;
      await this.#enter({
        message,
        sessionKey,
        agentId,
        runId: `end-${runId}`,
        options,
        origin: { via: "turn", runId },
      });
    }
    await this.#forget(runId);
  }

  /** With everything that they have started in turn. */
  #cancel(isMeant: (helper: Helper) => boolean): void {
    for (const helper of [...this.#helpers.values()].filter(isMeant)) {
      this.#helpers.delete(helper.runId);
      this.#stop(helper).catch((thrown: unknown) => {
        const error = AppError.from(thrown).toJSON();
        this.#deps.log.warn("a helper could not be stopped", { runId: helper.runId, error });
      });
      this.#cancel((one) => one.parentRunId === helper.runId || one.parentSessionKey === helper.sessionKey);
    }
  }

  async #stop({ runId }: Helper): Promise<void> {
    const { store, turns, clock } = this.#deps;
    const isHere = turns.abort(runId, "the turn that started it was stopped");
    const row = isHere ? null : await store.inbox.byRunId(runId);
    // One that waits, for a person too, never begins.
    if (row !== null && row.endedMs === null) {
      await store.inbox.end(row.message.id, "merged", `cancelled:${row.runId}`, clock.nowMs());
    }
    await store.documents.delete(namespace, runId);
  }

  async #keep(helper: Helper): Promise<void> {
    this.#helpers.set(helper.runId, helper);
    await this.#deps.store.documents.put(namespace, helper.runId, helper, this.#deps.clock.nowMs());
  }

  async #forget(runId: string): Promise<void> {
    await this.#deps.store.documents.delete(namespace, runId);
    this.#helpers.delete(runId);
  }
}

function helperOf({ runId, sessionKey, label, born, announce }: Errand, parent: InboxRow): Helper {
  return {
    runId,
    sessionKey,
    label: label ?? null,
    parentRunId: born.parentRunId,
    parentSessionKey: born.parentSessionKey,
    parentAgentId: parent.agentId,
    announce,
  };
}

/**
 * By the same sender and from the same chat as the message of the asking turn, so that whoever that may act for is who
 * this one may act for; the scopes stand with it as they did there.
 */
function messageLike(
  first: InboundMessage,
  { key, text, atMs }: { readonly key: string; readonly text: string; readonly atMs: number },
): InboundMessage {
  const { address, sender } = first;
  const scopes = callerScopes(first);
  return {
    id: asUuid(createHash("sha256").update(key).digest("hex").slice(0, 32)),
    kind: "message",
    address,
    sender,
    platformMessageId: `turn:${key}`,
    content: [{ type: "text", text }],
    mentions: { ...noMentions, self: true },
    sentAtMs: atMs,
    receivedAtMs: atMs,
    raw: scopes === null ? null : { scopes },
  };
}

function endOf({ state, text }: TurnRow): ErrandEnd {
  return { state: "ended", outcome: state === "running" ? "error" : state, text };
}
