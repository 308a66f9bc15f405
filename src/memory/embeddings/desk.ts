/**
 * Keeps vectors in step with what is remembered, and makes those of questions. Owns which model is asked for what: questions
 * in the one whose vectors are there, everything new in the one that is wanted, until that one has them all.
 */
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import type { Clock, Timer } from "../../platform/clock.ts";
import type { Ids } from "../../platform/ids.ts";
import type { Log } from "../../platform/log.ts";
import type { Place } from "../index/calls.ts";
import type { IndexLink } from "../index/index-link.ts";
import type { EmbeddingModel, EmbeddingSource } from "./contract.ts";
import { createEmbedder, type Asker, type Embedder } from "./embedder.ts";

export interface EmbeddingDesk {
  /** Never throws: without a vector, `notice` says why. Both null where there is nothing yet to compare with. */
  ofQuestion(text: string, place: Place): Promise<{ vector: Float32Array | null; notice: string | null }>;
  /** Begins to make what is missing, where nobody does already. Returns at once. */
  catchUp(place: Place): void;
  /** Resolves when nothing is missing, or when it cannot be made now. */
  caughtUp(place: Place): Promise<void>;
  stateOf(place: Place): { readonly isBusy: boolean; readonly trouble: string | null };
  close(): Promise<void>;
}

export interface EmbeddingDeskDeps {
  readonly source: EmbeddingSource;
  readonly link: Pick<IndexLink, "call">;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

interface Work {
  running: Promise<void> | null;
  /** Something came in while it ran: it looks once more. */
  again: boolean;
  trouble: AppError | null;
  /** Behind which piece the next batch begins; 0: at the beginning. */
  after: number;
  /** When the model last answered with vectors of another length. */
  movedMs: number;
  retry: Timer | null;
}

export function createEmbeddingDesk(deps: EmbeddingDeskDeps): EmbeddingDesk {
  return new Desk(deps);
}

class Desk implements EmbeddingDesk {
  readonly #deps: EmbeddingDeskDeps;
  readonly #embedders = new Map<string, Embedder>();
  readonly #works = new Map<string, Work>();
  readonly #stop = new AbortController();

  constructor(deps: EmbeddingDeskDeps) {
    this.#deps = deps;
  }

  async ofQuestion(text: string, place: Place): Promise<{ vector: Float32Array | null; notice: string | null }> {
    const words = (why: string) => ({ vector: null, notice: `Words alone were searched: ${why}` });
    const wanted = this.#deps.source.wanted();
    if (wanted === null) return words("no embedding model is configured (memory.search.model).");
    const { active, withoutVectors } = await this.#deps.link.call("spaces", { place });
    if (withoutVectors !== null) return words(withoutVectors);
    if (active === null) return words(this.stateOf(place).trouble ?? "the vectors are still being made.");
    try {
      const embedder = this.#embedderOf(active);
      const { dimensions, values } = await embedder.question(text, this.#askerFor(place));
      if (dimensions === active.dimensions) return { vector: values, notice: null };
      this.catchUp(place);
      return words("the embedding model changed, and the vectors are being made anew.");
    } catch (thrown) {
      return words(AppError.from(thrown).message);
    }
  }

  catchUp(place: Place): void {
    const work = this.#workOf(place);
    if (work.running !== null) {
      work.again = true;
      return;
    }
    if (this.#stop.signal.aborted || this.#deps.source.wanted() === null) return;
    work.retry?.cancel();
    work.running = this.#work(place, work).finally(() => {
      work.running = null;
    });
  }

  async caughtUp(place: Place): Promise<void> {
    this.catchUp(place);
    await this.#workOf(place).running;
  }

  stateOf(place: Place): { readonly isBusy: boolean; readonly trouble: string | null } {
    const { running, trouble } = this.#workOf(place);
    const isWanted = this.#deps.source.wanted() !== null;
    return { isBusy: running !== null, trouble: isWanted ? (trouble?.message ?? null) : null };
  }

  async close(): Promise<void> {
    this.#stop.abort(new AppError("SYS_007", "The memory is closed."));
    for (const { retry, running } of this.#works.values()) {
      retry?.cancel();
      await running;
    }
  }

  /** Never rejects. */
  async #work(place: Place, work: Work): Promise<void> {
    try {
      do {
        work.again = false;
        work.after = 0;
        while (await this.#makeSome(place, work)) work.trouble = null;
      } while (work.again);
      work.trouble = null;
    } catch (thrown) {
      if (this.#stop.signal.aborted) return;
      const error = AppError.from(thrown);
      // What is left of a budget is in its sentence, which is another one each time.
      if (work.trouble?.code !== error.code) {
        this.#deps.log.warn("vectors of a memory could not be made", { agentId: place.agentId, error });
      }
      work.trouble = error;
      work.retry = this.#deps.clock.after(Math.max(limits.embeddingPauseMs, this.#pauseMs()), () =>
        this.catchUp(place),
      );
    }
  }

  /** One batch. False where nothing is missing. */
  async #makeSome(place: Place, work: Work): Promise<boolean> {
    const { source, link, clock } = this.#deps;
    const wanted = source.wanted();
    if (wanted === null || this.#stop.signal.aborted) return false;
    const { provider, model } = wanted;
    const { after } = work;
    const {
      texts,
      last,
      dimensions: known,
    } = await link.call("pending", {
      place,
      provider,
      model,
      after,
      limit: limits.embeddingBatch,
      maxBytes: limits.embeddingBatchBytes,
    });
    work.after = 0;
    // Once more from the beginning: something may have come in behind the place that was reached.
    if (texts.length === 0) return after > 0;
    const asked = texts.map(({ text }) => text);
    const { dimensions, values } = await this.#embedderOf(wanted).texts(asked, this.#askerFor(place));
    if (known !== null && known !== dimensions) {
      // A server that answers now so, now so would have everything made anew for ever.
      if (clock.monotonicMs() - work.movedMs < settledMs) {
        throw new AppError(
          "MODEL_005",
          `The embedding provider answers with vectors of ${known} and ${dimensions} numbers.`,
        );
      }
      work.movedMs = clock.monotonicMs();
    }
    const hashes = texts.map(({ hash }) => hash);
    const kept = await link.call("keep", { place, space: { provider, model, dimensions }, hashes, vectors: values });
    if (kept === "kept") work.after = last;
    return true;
  }

  #pauseMs(): number {
    const wanted = this.#deps.source.wanted();
    return wanted === null ? 0 : (this.#embedders.get(nameOf(wanted))?.pauseMs() ?? 0);
  }

  /** A new one where the configuration names another address: what failed there is forgotten. */
  #embedderOf(model: EmbeddingModel): Embedder {
    const endpoint = this.#deps.source.open(model);
    const name = nameOf(model);
    const known = this.#embedders.get(name);
    if (known !== undefined && known.endpoint.url === endpoint.url && known.endpoint.api === endpoint.api) return known;
    const made = createEmbedder(endpoint, this.#deps);
    this.#embedders.set(name, made);
    return made;
  }

  #askerFor({ agentId }: Place): Asker {
    return { agentId, signal: this.#stop.signal };
  }

  #workOf({ agentId }: Place): Work {
    let work = this.#works.get(agentId);
    if (work === undefined) {
      work = { running: null, again: false, after: 0, trouble: null, movedMs: Number.NEGATIVE_INFINITY, retry: null };
      this.#works.set(agentId, work);
    }
    return work;
  }
}

/** A model that has changed the length of its vectors does not do so again within an hour. */
const settledMs = 3_600_000;

function nameOf({ provider, model }: EmbeddingModel): string {
  return `${provider}/${model}`;
}
