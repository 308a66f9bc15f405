/**
 * An answer that grows in one message. The message begins its life in the outbox like every other; the edits between go
 * straight to the platform, since one that is lost costs nothing; the result's own part makes it what it is in the end.
 * Until then it ends with a mark, so that half an answer looks like one.
 */
import type { ReplyStream, StreamedReply } from "../../agent/contract.ts";
import { AppError } from "../../domain/app-error.ts";
import { characterStart, measureText, truncateText } from "../../domain/text.ts";
import type { Timer } from "../../platform/clock.ts";
import type { OutboxRow } from "../../store/port.ts";
import { maySeeNext } from "../part/known-so-far.ts";
import { pieceMax } from "../part/render-part.ts";
import { superseded } from "../part/superseded.ts";
import type { StreamScope } from "./contract.ts";
import { interruptedPreface, nothingEarlier, takeOver, type EarlierAttempt } from "./earlier-attempt.ts";
import { streamPartId } from "./part-id.ts";
import { putPart } from "./put-part.ts";

export function createDraftStream(scope: StreamScope): ReplyStream {
  return new DraftStream(scope);
}

/** At the end of what is not finished. */
export const unfinishedMark = " …";

/** What is said in this time is shown at once: a message of one letter looks like a mistake. */
const firstPauseMs = 300;

/** The longest that the end of an answer waits for an edit or for the first word that is on its way. */
const lastWaitMs = 10_000;

/** Where a platform does not say how many edits it takes. */
const cautiousEditsPerMinute = 20;

class DraftStream implements ReplyStream {
  readonly #scope: StreamScope;
  /** Between two edits; null where the platform takes so few that the last one alone is made. */
  readonly #spacingMs: number | null;
  #text = "";
  #shown = "";
  #earlier: EarlierAttempt = nothingEarlier;
  #draftId: string | null = null;
  #messageId: string | null = null;
  #notBeforeMs: number;
  #timer: Timer | undefined;
  #step: Promise<void>;
  #busy = true;
  #closing = new AbortController();
  #ended: Promise<StreamedReply> | undefined;
  readonly #stopListening: () => void;
  readonly #settled = Promise.withResolvers<void>();

  constructor(scope: StreamScope) {
    this.#scope = scope;
    const { clock, bus } = scope.deps;
    this.#spacingMs = spacingOf(scope.manifest.editsPerMinute ?? cautiousEditsPerMinute);
    this.#notBeforeMs = clock.monotonicMs() + firstPauseMs;
    this.#stopListening = bus.on((event) => {
      if (event.type !== "message.sent" && event.type !== "message.unsent") return;
      if (event.partId !== this.#draftId) return;
      if (event.type === "message.sent") this.#messageId = event.platformMessageId;
      this.#settled.resolve();
      this.#schedule();
    });
    this.#step = this.#guarded(() => this.#open());
  }

  update(soFar: string): void {
    if (this.#ended !== undefined) return;
    this.#text = soFar;
    this.#schedule();
  }

  /** The message that grows shows the new answer in the place of the old one. */
  restart(soFar: string): void {
    this.update(soFar);
  }

  end(): Promise<StreamedReply> {
    this.#ended ??= this.#finish();
    return this.#ended;
  }

  async #open(): Promise<void> {
    this.#earlier = await takeOver(this.#scope, true);
    const { draft } = this.#earlier;
    if (draft === null) return;
    this.#draftId = draft.id;
    this.#messageId = draft.platformMessageIds[0] ?? null;
    // How lately the attempt before has edited it, nobody knows.
    this.#notBeforeMs = this.#scope.deps.clock.monotonicMs() + (this.#spacingMs ?? 0);
  }

  /** One step at a time, each no earlier than it may be; what is said meanwhile is in the next one. */
  #schedule(): void {
    if (this.#busy || this.#ended !== undefined || this.#text.trim() === "") return;
    if (this.#draftId !== null && (this.#messageId === null || this.#spacingMs === null)) return;
    const { clock } = this.#scope.deps;
    this.#timer?.cancel();
    this.#timer = clock.after(Math.max(0, this.#notBeforeMs - clock.monotonicMs()), () => {
      if (this.#busy || this.#ended !== undefined) return;
      this.#step = this.#guarded(() => (this.#draftId === null ? this.#begin() : this.#grow()));
    });
  }

  async #begin(): Promise<void> {
    const { row, lease, deps } = this.#scope;
    const markdown = this.#unfinished();
    this.#keepDistance();
    if (markdown === null) return;
    const id = streamPartId(row.runId, "draft", 0, lease.epoch);
    // Known before it is written: its confirmation may be faster than our return.
    this.#draftId = id;
    await putPart(this.#scope, {
      id,
      replyToId: row.message.platformMessageId,
      // Why it comes again is said when it is whole: in front of the rest it might be a message of its own.
      reply: { markdown },
    });
    this.#shown = markdown;
    await deps.failpoints.reach("block-committed");
  }

  async #grow(): Promise<void> {
    const { row, manifest, settings, deps } = this.#scope;
    const { address } = row.message;
    this.#keepDistance();
    const markdown = this.#unfinished();
    const route = deps.route(address);
    const messageId = this.#messageId;
    if (markdown === null || markdown === this.#shown || messageId === null) return;
    if (route?.connection.edit === undefined || !this.#mayGoOn()) return;
    const [rendered] = route.render(markdown, { max: pieceMax(route, settings), mode: settings.chunkMode });
    if (rendered === undefined) return;
    const room = deps.rate.take(address, manifest);
    if (!room.ok) {
      this.#notBeforeMs = deps.clock.monotonicMs() + room.waitMs;
      return;
    }
    const piece = { ...rendered, id: `${this.#draftId}.0`, address, label: null, replyToId: null, attachments: [] };
    try {
      const outcome = await route.connection.edit(piece, messageId, this.#closing.signal);
      if (outcome.outcome === "sent") this.#shown = markdown;
      else if (outcome.error.code === "CONN_003") deps.rate.refused(address, outcome.error.retryAfterMs);
      if (outcome.outcome === "sent") await deps.failpoints.reach("draft-sent");
    } finally {
      room.done();
      this.#keepDistance();
      // Somebody may wait for the room that this edit had.
      deps.delivery.wake();
    }
  }

  #keepDistance(): void {
    this.#notBeforeMs = this.#scope.deps.clock.monotonicMs() + (this.#spacingMs ?? 0);
  }

  /** Asked anew for each edit, as delivery asks for each part: the chat may have been closed since the answer began. */
  #mayGoOn(): boolean {
    const { row, deps } = this.#scope;
    const { address } = row.message;
    return deps.permission(address) === null && deps.settings(address).policy.permission === "allow";
  }

  /** As much of the text as one message holds, and the mark; null where nobody can tell how much that is. */
  #unfinished(): string | null {
    const { row, manifest, settings, deps } = this.#scope;
    const route = deps.route(row.message.address);
    if (route === null) return null;
    const { unit } = manifest.text;
    const max = pieceMax(route, settings);
    let text = truncateText(this.#text, max - measureText(unfinishedMark, unit), unit).trimEnd();
    // What its platform makes several messages of is shown up to where the first of them ends, as near as is simple.
    while (text !== "") {
      const markdown = `${text}${unfinishedMark}`;
      if (route.render(markdown, { max, mode: settings.chunkMode }).length === 1) return markdown;
      text = withoutItsLastLine(text);
    }
    return null;
  }

  async #finish(): Promise<StreamedReply> {
    const { clock } = this.#scope.deps;
    this.#timer?.cancel();
    // An edit that is under way may not come behind the one that makes the text whole.
    const patience = Promise.withResolvers<void>();
    const late = clock.after(lastWaitMs, () => {
      this.#closing.abort();
      patience.resolve();
    });
    await Promise.race([this.#step, patience.promise]);
    late.cancel();
    const draft = await this.#guardedDraft();
    this.#stopListening();
    const whole = { saidChars: 0, draftMessageId: null, preface: this.#earlier.preface };
    if (draft === null) return whole;
    const messageId = draft.platformMessageIds[0];
    if (draft.state === "sent" && messageId !== undefined) return { ...whole, draftMessageId: messageId };
    return maySee(draft) ? { ...whole, preface: interruptedPreface } : whole;
  }

  async #guardedDraft(): Promise<OutboxRow | null> {
    try {
      return await this.#lastOfDraft();
    } catch (thrown) {
      const error = AppError.from(thrown).toJSON();
      this.#scope.deps.log.warn("what became of a growing message is not known", { part: this.#draftId, error });
      return null;
    }
  }

  /** The message as it stands when nothing more becomes of it: there, taken back, or in doubt. */
  async #lastOfDraft(): Promise<OutboxRow | null> {
    const { store, clock, delivery } = this.#scope.deps;
    const id = this.#draftId;
    if (id === null) return null;
    await delivery.withdraw([id], superseded());
    const draft = await store.outbox.get(id);
    if (draft?.state !== "sending") return draft;
    const timer = clock.after(lastWaitMs, () => this.#settled.resolve());
    await this.#settled.promise;
    timer.cancel();
    await delivery.withdraw([id], superseded());
    return store.outbox.get(id);
  }

  /** A stream never throws: the result says what it could not. */
  async #guarded(step: () => Promise<void>): Promise<void> {
    this.#busy = true;
    try {
      await step();
    } catch (thrown) {
      const { row, deps } = this.#scope;
      deps.log.warn("an answer cannot be shown while it grows", {
        runId: row.runId,
        error: AppError.from(thrown).toJSON(),
      });
    } finally {
      this.#busy = false;
    }
    if (this.#text !== "" && this.#shown !== this.#unfinished()) this.#schedule();
  }
}

/** Without its last paragraph, else its last line, else its second half. */
function withoutItsLastLine(text: string): string {
  const end = [text.lastIndexOf("\n\n"), text.lastIndexOf("\n")].find((at) => at > 0) ?? Math.floor(text.length / 2);
  return text.slice(0, characterStart(text, end)).trimEnd();
}

/** So far apart that the platform counts one fewer than it takes: the last edit, which makes the text whole, is never refused. */
function spacingOf(editsPerMinute: number): number | null {
  return editsPerMinute > 1 ? Math.ceil(60_000 / (editsPerMinute - 1)) : null;
}

/** Whether something of it may stand in the chat that nobody can name. */
function maySee(draft: OutboxRow): boolean {
  return (
    draft.state === "sent" ||
    draft.state === "sending" ||
    draft.state === "unknown" ||
    draft.chunksSent > 0 ||
    maySeeNext(draft)
  );
}
