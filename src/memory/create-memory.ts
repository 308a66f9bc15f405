/**
 * The memory of every agent of one gateway: files, index and vectors behind one contract. Owns when files are looked at, when
 * vectors are made, what is said of what could not be done, and who may see what.
 */
import path from "node:path";
import type { Config } from "../config/schema/root.ts";
import { workspaceOf } from "../config/workspace.ts";
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import { utf8Bytes } from "../domain/text.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import type { Ids } from "../platform/ids.ts";
import type { Log } from "../platform/log.ts";
import type { Memory, MemoryAnswer, MemoryLines, MemoryStatus, MemoryText, MemoryViewer } from "./contract.ts";
import { createEmbeddingDesk, type EmbeddingDesk } from "./embeddings/desk.ts";
import type { EmbeddingSource } from "./embeddings/contract.ts";
import type { Place } from "./index/calls.ts";
import { createIndexLink, type IndexLink } from "./index/index-link.ts";
import { appendNote } from "./notes/append-note.ts";
import { readMemoryFile, textOf } from "./notes/memory-files.ts";
import { audience } from "./notes/sections.ts";

export interface MemoryDeps {
  readonly stateDir: string;
  readonly config: () => Config;
  readonly embeddings: EmbeddingSource;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

/** Costs nothing until it is first asked. Whoever made it closes it. */
export function createMemory(deps: MemoryDeps): Memory & Pick<IndexLink, "isRunning" | "kill"> {
  const memory = new HouseMemory(deps);
  return {
    search: (query, viewer, options) => memory.search(query, viewer, options?.limit),
    read: (file, viewer, lines) => memory.read(file, viewer, lines),
    save: (text, viewer, options) => memory.save(text, viewer, options?.foreign ?? []),
    forget: (what, viewer) => memory.forget(what, viewer),
    status: (agentId) => memory.status(agentId),
    index: (agentId, options) => memory.index(agentId, options?.all ?? false),
    close: () => memory.close(),
    get isRunning() {
      return memory.link.isRunning;
    },
    kill: () => memory.link.kill(),
  };
}

/** What is remembered of an agent while its memory is in use. */
interface Known {
  /** When somebody last wanted something of it. */
  askedMs: number;
  lookedAtMs: number;
  /** Whether a look has ended well: there is something to answer from. */
  isWhole: boolean;
  looking: Promise<void> | null;
}

class HouseMemory {
  readonly link: IndexLink;
  readonly #deps: MemoryDeps;
  readonly #embeddings: EmbeddingDesk;
  readonly #known = new Map<string, Known>();
  readonly #trouble = new Map<string, string>();
  #looks: Timer | null = null;
  #isClosed = false;

  constructor(deps: MemoryDeps) {
    this.#deps = deps;
    this.link = createIndexLink({ clock: deps.clock, log: deps.log, onIdle: () => this.#rest() });
    this.#embeddings = createEmbeddingDesk({ ...deps, source: deps.embeddings, link: this.link });
  }

  async search(query: string, viewer: MemoryViewer, limit?: number): Promise<MemoryAnswer> {
    const { search, backend } = this.#deps.config().memory;
    const place = this.#asked(viewer.agentId);
    if (backend === "none" || !search.enabled) return { hits: [], notice: "The memory is switched off." };
    const sought = query.slice(0, limits.memoryQueryChars).toWellFormed().trim();
    if (sought === "") return { hits: [], notice: "The question has no words." };
    await this.#freshen(place);
    const { vector, notice } = await this.#embeddings.ofQuestion(sought, place);
    const hits = await this.link.call("search", {
      place,
      query: sought,
      vector,
      audience: this.#audienceOf(viewer),
      limit: Math.max(1, Math.min(limit ?? search.maxResults, limits.memoryResults)),
    });
    return { hits, notice: joined([notice, this.#trouble.get(place.agentId) ?? null]) };
  }

  async read(file: string, viewer: MemoryViewer, lines?: { from: number; count: number }): Promise<MemoryText> {
    const place = this.#asked(viewer.agentId);
    await this.#freshen(place);
    const from = Math.max(1, lines?.from ?? 1);
    const count = Math.max(1, Math.min(lines?.count ?? limits.memoryLines, limits.memoryLines));
    const found = await this.link.call("read", { place, path: file, audience: this.#audienceOf(viewer), from, count });
    if (found === null) throw unknownFile(file);
    return found;
  }

  async save(
    text: string,
    viewer: MemoryViewer,
    foreign: readonly string[],
  ): Promise<{ path: string; startLine: number }> {
    const place = this.#asked(viewer.agentId);
    const markdown = text.toWellFormed().replaceAll("\0", "").trim();
    if (markdown === "") throw new AppError("RPC_003", "There is nothing to note: the text is empty.");
    if (utf8Bytes(markdown) > limits.memoryNoteBytes) {
      throw new AppError("MSG_003", `A note has at most ${limits.memoryNoteBytes} bytes: save less, or in parts.`);
    }
    const { agents } = this.#deps.config();
    const { clock } = this.#deps;
    const note = { ...viewer, markdown, atMs: clock.nowMs(), foreign };
    const where = { workspace: place.workspace, timeZone: agents.defaults.userTimezone };
    const written = await appendNote(note, where);
    if (written.outcome === "full") throw new AppError("MSG_003", "The notes of today are full.");
    await this.#look(place, false);
    const bytes = await readMemoryFile(place.workspace, written.path);
    const whole = bytes === null ? "" : textOf(bytes);
    // Others may have noted something since: it is looked for, from the end.
    const noted = written.text.trim();
    const at = whole.lastIndexOf(noted);
    // The text, not the line above it that says when and for whom: so search names it, and forget takes it.
    const before = at === -1 ? "" : whole.slice(0, at + noted.indexOf("\n\n") + 2);
    return { path: written.path, startLine: before.split("\n").length };
  }

  async forget(what: MemoryLines, viewer: MemoryViewer): Promise<number> {
    const place = this.#asked(viewer.agentId);
    await this.#look(place, false);
    const { path: file, startLine, endLine, containing = null } = what;
    const forgotten = await this.link.call("forget", {
      place,
      path: file,
      startLine,
      endLine,
      containing,
      audience: this.#audienceOf(viewer),
      nowMs: this.#deps.clock.nowMs(),
    });
    if (forgotten.outcome === "gone") {
      await this.#look(place, false);
      return forgotten.pieces;
    }
    if (forgotten.outcome === "unknown")
      throw unknownFile(`${file}:${startLine}${endLine === startLine ? "" : `-${endLine}`}`);
    throw new AppError("RPC_007", `${file} has changed: these words no longer stand there. Search again.`);
  }

  async status(agentId: string): Promise<MemoryStatus> {
    const place = this.#asked(agentId);
    await this.#freshen(place);
    return this.#statusOf(place);
  }

  async index(agentId: string, all: boolean): Promise<MemoryStatus> {
    const place = this.#asked(agentId);
    await this.#look(place, all);
    await this.#embeddings.caughtUp(place);
    return this.#statusOf(place);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#rest();
    await this.#embeddings.close();
    await this.link.close();
  }

  async #statusOf(place: Place): Promise<MemoryStatus> {
    const state = await this.link.call("state", { place });
    const { agentId } = place;
    const shown = state.active ?? state.building;
    const { isBusy, trouble } = this.#embeddings.stateOf(place);
    return {
      agentId,
      files: state.files,
      chunks: state.chunks,
      embedded: state.embedded,
      model: shown === null ? null : `${shown.provider}/${shown.model}`,
      indexing: isBusy || this.#of(agentId).looking !== null,
      lastIndexedMs: state.lastIndexedMs,
      trouble: joined([
        this.#trouble.get(agentId) ?? null,
        state.withoutVectors ?? trouble,
        ...state.troubles.slice(0, shownTroubles),
      ]),
    };
  }

  #asked(agentId: string): Place {
    if (this.#isClosed) throw new AppError("SYS_007", "The memory is closed.");
    const place = this.#placeOf(agentId);
    this.#of(agentId).askedMs = this.#deps.clock.monotonicMs();
    return place;
  }

  /** An index file is named after its agent; an agent's id is one of the configuration's, and never a path. */
  #placeOf(agentId: string): Place {
    const { agents } = this.#deps.config();
    const isThere = agents.list.length === 0 ? agentId === "main" : agents.list.some(({ id }) => id === agentId);
    if (!isThere) throw new AppError("RPC_007", `There is no agent ${JSON.stringify(agentId.slice(0, 100))}.`);
    const file = path.join(this.#deps.stateDir, "memory", `${encodeURIComponent(agentId)}.sqlite`);
    return { agentId, file, workspace: workspaceOf({ agents }, agentId) };
  }

  #audienceOf({ isGroup }: MemoryViewer): number {
    if (!isGroup) return audience.direct;
    return this.#deps.config().memory.search.shareInGroups ? audience.unmarked : audience.everybody;
  }

  #of(agentId: string): Known {
    let known = this.#known.get(agentId);
    if (known === undefined) {
      known = { askedMs: 0, lookedAtMs: Number.NEGATIVE_INFINITY, isWhole: false, looking: null };
      this.#known.set(agentId, known);
    }
    return known;
  }

  /** Looks where the last look is a while ago. Waits for it, but not for long where there is something to answer from. */
  async #freshen(place: Place): Promise<void> {
    const known = this.#of(place.agentId);
    const { clock } = this.#deps;
    if (clock.monotonicMs() - known.lookedAtMs < limits.memoryLookFreshMs && known.isWhole) return;
    const looked = this.#look(place, false);
    if (!known.isWhole) return looked;
    looked.catch((thrown: unknown) => this.#deps.log.warn("a look at the memory failed", { thrown }));
    const patience = new AbortController();
    const waited = clock.sleep(limits.memoryLookWaitMs, patience.signal).catch(() => "the look came first");
    await Promise.race([looked.catch(() => "it was told of above"), waited]);
    patience.abort();
  }

  /** After a look that is under way: what changed since it began is seen too. */
  #look(place: Place, all: boolean): Promise<void> {
    const known = this.#of(place.agentId);
    const before = known.looking ?? Promise.resolve();
    const looking = before.catch(() => "its caller was told").then(() => this.#lookNow(place, all, known));
    known.looking = looking;
    const done = (): void => {
      if (known.looking === looking) known.looking = null;
    };
    looking.finally(done).catch(() => "whoever asked for it was told");
    return looking;
  }

  async #lookNow(place: Place, all: boolean, known: Known): Promise<void> {
    const { clock } = this.#deps;
    known.lookedAtMs = clock.monotonicMs();
    this.#lookAgainLater();
    try {
      await this.link.call("look", { place, all, nowMs: clock.nowMs() });
      known.isWhole = true;
      this.#trouble.delete(place.agentId);
    } catch (thrown) {
      const error = AppError.from(thrown);
      this.#trouble.set(place.agentId, error.message);
      // A full disk leaves what was there; there may be nothing, and then that is what there is.
      if (error.code !== "STORE_002") throw error;
      this.#deps.log.warn(error.message, { agentId: place.agentId });
    }
    this.#embeddings.catchUp(place);
  }

  #lookAgainLater(): void {
    this.#looks ??= this.#deps.clock.every(limits.memoryLookEveryMs, () => {
      // Only what was asked for lately: looks of our own must not keep the thread awake for ever.
      for (const [agentId, { askedMs }] of this.#known) {
        if (this.#deps.clock.monotonicMs() - askedMs >= limits.memoryLookEveryMs * 2) continue;
        void this.#lookQuietly(agentId);
      }
    });
  }

  async #lookQuietly(agentId: string): Promise<void> {
    try {
      await this.#look(this.#placeOf(agentId), false);
    } catch (thrown) {
      this.#deps.log.warn("a look at the memory failed", { agentId, thrown });
    }
  }

  /** The thread is about to end: nothing of what it knew is relied on any more. */
  #rest(): void {
    this.#looks?.cancel();
    this.#looks = null;
    this.#known.clear();
  }
}

const shownTroubles = 3;

function unknownFile(name: string): AppError {
  return new AppError("RPC_007", `There is no ${JSON.stringify(name.slice(0, 200))} in the memory.`);
}

function joined(sentences: readonly (string | null)[]): string | null {
  const said = [...new Set(sentences.filter((sentence) => sentence !== null))];
  return said.length === 0 ? null : said.join(" ");
}
