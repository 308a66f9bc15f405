/**
 * One configured server through its life: started when a turn first wants it, asked for its tools, ended when nobody wants
 * it, and tried again after growing pauses where it died. What it last listed is kept while it sleeps.
 */
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import type { Timer } from "../platform/clock.ts";
import type { McpServerState } from "./contract.ts";
import type { CallAnswer, ServerLink } from "./server-link.ts";
import type { McpDeps, ServerSettings } from "./settings.ts";
import { readToolList, type ListedTool } from "./tool-list.ts";

export class McpServer {
  readonly name: string;
  readonly settings: ServerSettings;
  readonly #deps: McpDeps;
  /** Aborted where the server is given up for good. */
  readonly #life = new AbortController();
  #opening: Promise<ServerLink> | null = null;
  #openedMs = 0;
  #link: ServerLink | null = null;
  #tools: readonly ListedTool[] = [];
  #hasListed = false;
  #trouble: string | null = null;
  #failures = 0;
  #retryAtMs = 0;
  #calls = 0;
  #idle: Timer | null = null;
  #relisting: Timer | null = null;
  readonly #closing = new Set<Promise<void>>();

  constructor(name: string, settings: ServerSettings, deps: McpDeps) {
    this.name = name;
    this.settings = settings;
    this.#deps = deps;
  }

  get tools(): readonly ListedTool[] {
    return this.#tools;
  }

  state(): McpServerState {
    const state = !this.settings.enabled
      ? "disabled"
      : this.#link !== null
        ? "ready"
        : this.#opening !== null
          ? "starting"
          : this.#trouble !== null
            ? "failed"
            : "idle";
    return { name: this.name, state, tools: this.#tools.map(({ shownName }) => shownName), trouble: this.#trouble };
  }

  /**
   * Resolves when its tools are known, or will not be soon: a turn waits `mcpStartWaitMs` from the start of the server on,
   * and every later one for what is left of that. Never throws.
   */
  async listed(): Promise<readonly ListedTool[]> {
    if (this.#hasListed) return this.#tools;
    // Why it is not there stands in its state.
    const opening = this.#open().catch(() => undefined);
    const leftMs = this.#openedMs + limits.mcpStartWaitMs - this.#deps.clock.monotonicMs();
    if (leftMs > 0) await this.#soon(opening, leftMs);
    return this.#tools;
  }

  /** Throws CONN_001, SYS_008 or SEC_005 where no answer came, and the signal's reason. No word of the server is in either. */
  async call(tool: string, input: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<CallAnswer> {
    this.#calls += 1;
    this.#idle?.cancel();
    try {
      const link = await orAborted(this.#open(), signal);
      const answer = await link.call(tool, input, signal);
      this.#failures = 0;
      return answer;
    } catch (error) {
      // An address that failed once is asked anew next time: its session may be gone.
      if (!signal.aborted && this.settings.url !== undefined) this.#drop();
      throw error;
    } finally {
      this.#calls -= 1;
      this.#rest();
    }
  }

  /** Resolves when nothing of it is left; it is not used any more. */
  async close(): Promise<void> {
    this.#life.abort(new AppError("CONN_001", `The MCP server ${this.name} was ended.`));
    this.#idle?.cancel();
    this.#relisting?.cancel();
    await this.#opening?.catch(() => undefined);
    this.#drop();
    await Promise.all(this.#closing);
  }

  // ---------------------------------------------------------------- its connection

  #open(): Promise<ServerLink> {
    if (this.#opening !== null) return this.#opening;
    const nowMs = this.#deps.clock.monotonicMs();
    if (this.#life.signal.aborted) return Promise.reject(this.#life.signal.reason);
    if (nowMs < this.#retryAtMs) {
      const seconds = Math.ceil((this.#retryAtMs - nowMs) / 1_000);
      return Promise.reject(
        new AppError("CONN_001", `The MCP server ${this.name} failed and is tried again in ${seconds} s.`),
      );
    }
    this.#openedMs = nowMs;
    const opening = this.#connect();
    this.#opening = opening;
    opening.catch((error: unknown) => this.#failed(AppError.from(error, "CONN_001")));
    return opening;
  }

  async #connect(): Promise<ServerLink> {
    const { openServerLink } = await import("./server-link.ts");
    const stop = new AbortController();
    const timer = this.#deps.clock.after(limits.mcpStartMs, () =>
      stop.abort(new AppError("CONN_001", `It did not say hello within ${limits.mcpStartMs / 1_000} s.`)),
    );
    const signal = AbortSignal.any([stop.signal, this.#life.signal]);
    let link: ServerLink | null = null;
    let isOver = false;
    try {
      signal.throwIfAborted();
      link = await openServerLink(this, {
        deps: this.#deps,
        signal,
        events: {
          onClose: (why) => {
            isOver = true;
            if (link !== null && this.#link === link) this.#died(why);
          },
          onListChanged: () => this.#listChanged(),
        },
      });
      await this.#list(link, signal);
      if (isOver) throw new AppError("CONN_001", "It ended after it had said hello.");
    } catch (error) {
      if (link !== null) this.#away(link);
      throw error;
    } finally {
      timer.cancel();
    }
    this.#link = link;
    this.#trouble = null;
    this.#rest();
    return link;
  }

  #failed({ message: why, details }: AppError): void {
    this.#opening = null;
    if (this.#life.signal.aborted) return;
    this.#failures += 1;
    this.#retryAtMs = this.#deps.clock.monotonicMs() + pauseMs(this.#failures);
    this.#trouble = why;
    // What it listed once may not be there any more.
    this.#tools = [];
    this.#hasListed = false;
    this.#deps.log.warn("an MCP server cannot be used", { server: this.name, why, ...details });
  }

  /** Its tools stay: the next call starts it again. */
  #died(why: string | null): void {
    this.#link = null;
    this.#opening = null;
    this.#failures += 1;
    this.#retryAtMs = this.#deps.clock.monotonicMs() + pauseMs(this.#failures);
    this.#trouble = why ?? "It ended by itself.";
    this.#deps.log.warn("an MCP server has ended", { server: this.name, why: this.#trouble });
  }

  #drop(): void {
    const link = this.#link;
    this.#link = null;
    this.#opening = null;
    this.#idle?.cancel();
    if (link !== null) this.#away(link);
  }

  #away(link: ServerLink): void {
    const closing = link.close().catch((error: unknown) => {
      this.#deps.log.warn("an MCP server could not be ended", { server: this.name, error });
    });
    this.#closing.add(closing);
    void closing.finally(() => this.#closing.delete(closing));
  }

  #rest(): void {
    this.#idle?.cancel();
    if (this.#calls > 0 || this.#link === null) return;
    this.#idle = this.#deps.clock.after(limits.mcpIdleMs, () => this.#drop());
  }

  // ---------------------------------------------------------------- its list

  async #list(link: ServerLink, signal: AbortSignal): Promise<void> {
    const read = readToolList(this.name, await link.list(signal), this.settings.tools ?? null);
    this.#tools = read.tools;
    this.#hasListed = true;
    if (read.refused.length > 0) {
      this.#deps.log.warn("tools of an MCP server are not used", { server: this.name, refused: read.refused });
    }
  }

  /** However often it says so, the list is read once in a while. */
  #listChanged(): void {
    if (this.#relisting !== null) return;
    this.#relisting = this.#deps.clock.after(limits.mcpRelistMs, () => {
      this.#relisting = null;
      const link = this.#link;
      if (link === null) return;
      const stop = new AbortController();
      const timer = this.#deps.clock.after(limits.mcpStartMs, () => stop.abort());
      this.#list(link, AbortSignal.any([stop.signal, this.#life.signal]))
        .catch((error: unknown) => this.#deps.log.warn("tools of an MCP server could not be read again", { error }))
        .finally(() => timer.cancel());
    });
  }

  async #soon(work: Promise<unknown>, waitMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#deps.clock.after(waitMs, resolve);
    void work.finally(resolve);
    await promise;
    timer.cancel();
  }
}

function pauseMs(failures: number): number {
  return Math.min(limits.mcpRetryMinMs * 2 ** Math.min(failures - 1, 20), limits.mcpRetryMaxMs);
}

async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason as Error);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
