/**
 * Hands messages over: in order within a chat, side by side across chats. IRC never sends a message again, so one that
 * could not be stored is offered again here; and while too many wait, the server is made to wait as well.
 */
import type { InboundMessage } from "../../domain/message.ts";
import type { ChannelLink } from "../contract.ts";
import type { Wire } from "./wire.ts";

/** Messages that may wait before the socket is no longer read, and when reading goes on. */
const pauseAbove = 500;
const resumeBelow = 250;
/** Pauses between offers of a message that the house could not store. */
const offerPausesMs = [250, 500, 1_000, 2_000, 4_000, 8_000] as const;

export class Intake {
  readonly #link: ChannelLink;
  readonly #wire: Pick<Wire, "pause" | "resume">;
  readonly #chats = new Map<string, Promise<void>>();
  readonly #abort = new AbortController();
  #waiting = 0;

  constructor(link: ChannelLink, wire: Pick<Wire, "pause" | "resume">) {
    this.#link = link;
    this.#wire = wire;
  }

  take(message: InboundMessage): void {
    const { chatId } = message.address;
    this.#waiting += 1;
    if (this.#waiting === pauseAbove) this.#wire.pause();
    const turn = (this.#chats.get(chatId) ?? Promise.resolve()).then(() => this.#offer(message));
    this.#chats.set(chatId, turn);
    void turn.finally(() => {
      if (this.#chats.get(chatId) === turn) this.#chats.delete(chatId);
      this.#waiting -= 1;
      if (this.#waiting === resumeBelow) this.#wire.resume();
    });
  }

  /** Resolves when everything that came is handed over, or when it has taken too long. */
  async drained(limitMs: number): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = this.#link.clock.after(limitMs, late.resolve);
    await Promise.race([Promise.all(this.#chats.values()), late.promise]);
    timer.cancel();
  }

  close(): void {
    this.#abort.abort();
  }

  async #offer(message: InboundMessage): Promise<void> {
    for (const pauseMs of [...offerPausesMs, null]) {
      if (this.#abort.signal.aborted) return;
      const { outcome } = await this.#link.receive(message);
      if (outcome !== "unavailable" || this.#abort.signal.aborted) return;
      if (pauseMs === null) break;
      try {
        await this.#link.clock.sleep(pauseMs, this.#abort.signal);
      } catch {
        // Closed while waiting: the connection that the message came from is gone.
        return;
      }
    }
    this.#link.log.error("A message was lost: it could not be stored, and IRC does not send it again.", {
      platformMessageId: message.platformMessageId,
    });
  }
}
