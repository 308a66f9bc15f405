/**
 * The platform of a simulation: it lives through every crash, hands events over until they are confirmed, and remembers
 * what people see. It can take a message and lose the answer, refuse one, or hand an event over twice.
 */
import type { Clock } from "../../platform/clock.ts";
import type { SeenMessage } from "../truth.ts";

export interface PlatformEvent {
  /** 1, 2, 3 … within an account; confirming one confirms all before it. */
  readonly number: number;
  readonly chatId: string;
  readonly chatKind: "dm" | "group";
  readonly senderId: string;
  readonly platformMessageId: string;
  readonly text: string;
  readonly mentionsUs: boolean;
}

/** What the platform does with one send. `lost`: takes it and breaks the connection before the answer. */
export type SendBehaviour = "accept" | "lost" | "break" | "busy" | "error";

export type PlatformAnswer =
  | { readonly outcome: "accepted"; readonly platformMessageId: string }
  | { readonly outcome: "broken" }
  | { readonly outcome: "refused"; readonly retryAfterMs: number | null };

export interface PlatformOptions {
  readonly time: Clock;
  /** Asked for every send. */
  readonly behaviour: () => SendBehaviour;
  /** Asked for every batch of events: whether its first event comes again with the next one. */
  readonly repeats: () => boolean;
}

interface Account {
  readonly name: string;
  readonly events: PlatformEvent[];
  confirmed: number;
  /** Handed out once more, although it was handed out before. */
  again: PlatformEvent | null;
  tell: (() => void)[];
}

export class SimulatedPlatform {
  readonly channel: string;
  readonly seen: SeenMessage[] = [];
  /** Sends that were not taken and confirmed. */
  readonly refusals: { readonly chat: string; readonly atMs: number }[] = [];
  readonly lookups: { readonly pieceId: string; readonly found: boolean; readonly atMs: number }[] = [];
  readonly #options: PlatformOptions;
  readonly #accounts = new Map<string, Account>();
  /** By the client's own id of a piece, for platforms that know one. */
  readonly #byPiece = new Map<string, string>();
  #messages = 0;

  constructor(channel: string, options: PlatformOptions) {
    this.channel = channel;
    this.#options = options;
  }

  /** Returns the platform's id of the message. */
  say(accountId: string, event: Omit<PlatformEvent, "number" | "platformMessageId">): string {
    const account = this.#account(accountId);
    this.#messages += 1;
    const platformMessageId = `said-${this.#messages}`;
    account.events.push({ ...event, number: account.events.length + 1, platformMessageId });
    for (const tell of account.tell.splice(0)) tell();
    return platformMessageId;
  }

  /** Confirms everything up to `confirmed`, then hands over what is behind it; waits where there is nothing. */
  async poll(accountId: string, confirmed: number): Promise<readonly PlatformEvent[]> {
    const account = this.#account(accountId);
    account.confirmed = Math.max(account.confirmed, confirmed);
    for (;;) {
      const fresh = account.events.filter((event) => event.number > confirmed);
      const batch = account.again === null ? fresh : [account.again, ...fresh];
      account.again = null;
      if (fresh.length > 0) {
        if (this.#options.repeats()) account.again = fresh[0] ?? null;
        return batch;
      }
      await new Promise<void>((resolve) => void account.tell.push(resolve));
    }
  }

  /** True where the platform was told that this message arrived. */
  isConfirmed(accountId: string, platformMessageId: string): boolean {
    const { events, confirmed } = this.#account(accountId);
    return events.some((event) => event.platformMessageId === platformMessageId && event.number <= confirmed);
  }

  pendingEvents(): number {
    return [...this.#accounts.values()].reduce((sum, { events, confirmed }) => sum + events.length - confirmed, 0);
  }

  /** `pieceId` is the client's own; with `native`, the same one again shows nothing new. */
  send(
    accountId: string,
    message: { chatId: string; text: string; label: string | null; pieceId: string },
    { native }: { native: boolean },
  ): PlatformAnswer {
    const known = native ? this.#byPiece.get(message.pieceId) : undefined;
    if (known !== undefined) return { outcome: "accepted", platformMessageId: known };
    const behaviour = this.#options.behaviour();
    const chat = [this.channel, accountId, message.chatId].join("/");
    if (behaviour !== "accept") this.refusals.push({ chat, atMs: this.#options.time.nowMs() });
    if (behaviour === "busy") return { outcome: "refused", retryAfterMs: 3_000 };
    if (behaviour === "error") return { outcome: "refused", retryAfterMs: null };
    if (behaviour === "break") return { outcome: "broken" };
    this.#messages += 1;
    const platformMessageId = `shown-${this.#messages}`;
    this.#byPiece.set(message.pieceId, platformMessageId);
    this.seen.push({
      chat,
      text: `${message.label ?? ""}${message.text}`,
      platformMessageId,
      atMs: this.#options.time.nowMs(),
      labelled: message.label !== null,
    });
    return behaviour === "lost" ? { outcome: "broken" } : { outcome: "accepted", platformMessageId };
  }

  /** Looks among what is shown for a piece, as people could. */
  find(pieceId: string): string | null {
    const found = this.#byPiece.get(pieceId) ?? null;
    this.lookups.push({ pieceId, found: found !== null, atMs: this.#options.time.nowMs() });
    return found;
  }

  #account(accountId: string): Account {
    const known = this.#accounts.get(accountId);
    if (known !== undefined) return known;
    const account: Account = { name: accountId, events: [], confirmed: 0, again: null, tell: [] };
    this.#accounts.set(accountId, account);
    return account;
  }
}
