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
import { interruptedPreface, nothingEarlier, takeOver, type EarlierAttempt } from "./earlier-attempt.ts";
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

const beginning: Place = Object.freeze({ chars: 0, fence: null });

interface Block {
  readonly markdown: string;
  readonly index: number;
  /** Where the text is when it is put out. */
  readonly place: Place;
  /** The answer began anew before it was in the outbox: it is not put there any more. */
  isDropped: boolean;
}

class BlockStream implements ReplyStream {
  readonly #scope: StreamScope;
  #text = "";
  /** Up to where blocks were cut; their writing may still be under way. */
  #cut: Place = beginning;
  /** Up to where the outbox has it. */
  #said: Place = beginning;
  #blocks = 0;
  /** What was cut and still counts, in order. */
  readonly #cuts: Block[] = [];
  /** Something stands in the chat that does not count: the next thing that is said explains it. */
  #owesWord = false;
  /** Whether anything stands in the chat: the first block quotes the question. */
  #hasSaid = false;
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

  restart(soFar: string): void {
    if (this.#ended !== undefined) return;
    this.#idle?.cancel();
    this.#text = soFar;
    for (
      let last = this.#cuts.at(-1);
      last !== undefined && last.place.chars > soFar.length;
      last = this.#cuts.at(-1)
    ) {
      last.isDropped = true;
      this.#cuts.pop();
    }
    const place = this.#cuts.at(-1)?.place ?? beginning;
    this.#cut = place;
    // Behind the block that is being written: only then it is known what stands in the chat.
    this.#writing = this.#writing.then(() => {
      if (this.#said.chars <= place.chars) return;
      this.#said = place;
      this.#owesWord = true;
    });
  }

  end(): Promise<StreamedReply> {
    this.#ended ??= this.#finish();
    return this.#ended;
  }

  async #finish(): Promise<StreamedReply> {
    this.#idle?.cancel();
    await this.#writing;
    const { chars, fence } = this.#said;
    const nothingLeft = this.#text.slice(chars).trim() === "";
    const reopening = fence === null ? null : reopened(fence);
    if (this.#owesWord) {
      const preface = nothingLeft ? null : `${interruptedPreface}${reopening ?? ""}`;
      return { saidChars: chars, draftMessageId: null, preface };
    }
    if (chars === 0) return { saidChars: 0, draftMessageId: null, preface: this.#earlier.preface };
    return { saidChars: chars, draftMessageId: null, preface: nothingLeft ? null : reopening };
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
    const block: Block = { markdown, index: this.#blocks, place, isDropped: false };
    this.#cuts.push(block);
    this.#cut = place;
    this.#blocks += 1;
    this.#writing = this.#writing.then(() => this.#guarded(() => this.#write(block)));
    return true;
  }

  async #write(block: Block): Promise<void> {
    if (block.isDropped) return;
    const { markdown, index, place } = block;
    const { row, lease, deps } = this.#scope;
    const first = !this.#hasSaid;
    const preface = this.#owesWord ? interruptedPreface : first ? (this.#earlier.preface ?? "") : "";
    await putPart(this.#scope, {
      id: streamPartId(row.runId, "block", index, lease.epoch),
      replyToId: first ? row.message.platformMessageId : null,
      reply: { markdown: `${preface}${markdown}` },
    });
    this.#said = place;
    this.#hasSaid = true;
    this.#owesWord = false;
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
