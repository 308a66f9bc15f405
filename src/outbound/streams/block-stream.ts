/**
 * An answer that leaves in blocks while it is written. A block is durable under the turn's lease before it leaves, and
 * what was put out is never put out again: the result says the rest.
 */
import type { ReplyStream, StreamedReply } from "../../agent/contract.ts";
import { AppError } from "../../domain/app-error.ts";
import { measureText, truncateText } from "../../domain/text.ts";
import type { Timer } from "../../platform/clock.ts";
import { pieceMax } from "../part/render-part.ts";
import { findCut, quietCut, type Cut, type Fence } from "./block-border.ts";
import type { StreamScope } from "./contract.ts";
import { nothingEarlier, takeOver, type EarlierAttempt } from "./earlier-attempt.ts";
import { streamPartId } from "./part-id.ts";
import { putPart } from "./put-part.ts";

export function createBlockStream(scope: StreamScope): ReplyStream {
  return new BlockStream(scope);
}

/** A place in the text, and the code that is open there. */
interface Place {
  readonly chars: number;
  readonly fence: Fence | null;
}

class BlockStream implements ReplyStream {
  readonly #scope: StreamScope;
  #text = "";
  /** Up to where blocks were cut; their writing may still be under way. */
  #cut: Place = { chars: 0, fence: null };
  /** Up to where the outbox has it. */
  #said: Place = { chars: 0, fence: null };
  #blocks = 0;
  #earlier: EarlierAttempt = nothingEarlier;
  /** One block is written behind the other, the first behind what an earlier attempt has left. */
  #writing: Promise<void>;
  #failed = false;
  #idle: Timer | undefined;
  #ended: Promise<StreamedReply> | undefined;

  constructor(scope: StreamScope) {
    this.#scope = scope;
    this.#writing = this.#guarded(async () => {
      this.#earlier = await takeOver(scope, false);
    });
  }

  update(soFar: string): void {
    if (this.#ended !== undefined) return;
    this.#text = soFar;
    this.#cutBlocks();
    this.#idle?.cancel();
    this.#idle = this.#scope.deps.clock.after(this.#scope.settings.blocks.idleMs, () => this.#cutAtSilence());
  }

  end(): Promise<StreamedReply> {
    this.#ended ??= this.#finish();
    return this.#ended;
  }

  async #finish(): Promise<StreamedReply> {
    this.#idle?.cancel();
    await this.#writing;
    const { chars, fence } = this.#said;
    if (chars === 0) return { saidChars: 0, draftMessageId: null, preface: this.#earlier.preface };
    const nothingLeft = this.#text.slice(chars).trim() === "";
    return { saidChars: chars, draftMessageId: null, preface: nothingLeft || fence === null ? null : reopened(fence) };
  }

  #cutBlocks(): void {
    for (;;) {
      const sizes = this.#sizes();
      const cut = findCut(this.#text.slice(this.#cut.chars), sizes, this.#cut.fence);
      if (cut === null || !this.#take(cut)) return;
    }
  }

  #cutAtSilence(): void {
    if (this.#ended !== undefined) return;
    const cut = quietCut(this.#text.slice(this.#cut.chars), this.#cut.fence);
    if (cut !== null) this.#take(cut);
  }

  /** In characters; a platform that counts otherwise, or takes less, makes them fewer. */
  #sizes(): { min: number; max: number } {
    const { settings, manifest } = this.#scope;
    const { minChars, maxChars } = settings.blocks;
    const { fence, chars } = this.#cut;
    const { unit } = manifest.text;
    // Room for the marks that open code again and close it, where this block has to.
    const marks = fence === null ? fenceRoom : measureText(`${reopened(fence)}\n${fence.marks}`, unit);
    const room = Math.max(1, pieceMax(this.#scope, settings) - marks);
    const pending = this.#text.slice(chars, chars + maxChars);
    const fittingChars = truncateText(pending, room, unit).length;
    const widest = fittingChars < pending.length ? fittingChars : maxChars;
    const max = Math.max(1, Math.min(widest, maxChars - marks));
    return { min: Math.min(minChars, max), max };
  }

  /** False where there is nothing to say in it yet. */
  #take({ end, fence }: Cut): boolean {
    const said = this.#text.slice(this.#cut.chars, this.#cut.chars + end);
    if (said.trim() === "") return false;
    const before = this.#cut.fence;
    const markdown = [
      before === null ? "" : reopened(before),
      said.trimEnd(),
      fence === null ? "" : `\n${fence.marks}`,
    ].join("");
    const place: Place = { chars: this.#cut.chars + end, fence };
    const index = this.#blocks;
    this.#cut = place;
    this.#blocks += 1;
    this.#writing = this.#writing.then(() => this.#guarded(() => this.#write(markdown, index, place)));
    return true;
  }

  async #write(markdown: string, index: number, place: Place): Promise<void> {
    const { row, lease, deps } = this.#scope;
    const first = this.#said.chars === 0;
    await putPart(this.#scope, {
      id: streamPartId(row.runId, "block", index, lease.epoch),
      replyToId: first ? row.message.platformMessageId : null,
      reply: { markdown: `${first ? (this.#earlier.preface ?? "") : ""}${markdown}` },
    });
    this.#said = place;
    await deps.failpoints.reach("block-committed");
  }

  /** Behind a block that could not be written nothing is put out any more: the result says all that is left, in order. */
  async #guarded(write: () => Promise<void>): Promise<void> {
    if (this.#failed) return;
    try {
      await write();
    } catch (thrown) {
      this.#failed = true;
      const error = AppError.from(thrown).toJSON();
      this.#scope.deps.log.warn("an answer cannot be put out in blocks", { runId: this.#scope.row.runId, error });
    }
  }
}

/** Marks of a fence that a block may have to close; longer ones are rare, and cost a cut at the platform's limit. */
const fenceRoom = 4;

function reopened({ opening }: Fence): string {
  return `${opening}\n`;
}
