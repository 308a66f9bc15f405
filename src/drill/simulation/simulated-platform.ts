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

/** What it can do with a message that is shown. */
export interface PlatformSkills {
  readonly edits: boolean;
  readonly deletes: boolean;
}

export interface EditedMessage {
  readonly chatId: string;
  readonly text: string;
  readonly messageId: string;
}

export interface PlatformOptions {
  readonly time: Clock;
  /** Asked for every send. */
  readonly behaviour: () => SendBehaviour;
  /** Asked for every batch of events: whether its first event comes again with the next one. */
  readonly repeats: () => boolean;
}

type Misbehaviour = Exclude<SendBehaviour, "accept">;

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
  readonly #shown: SeenMessage[] = [];
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
    const failed = this.#misbehave(accountId, message.chatId);
    if (failed !== null && failed !== "lost") return answerOf(failed);
    const chat = [this.channel, accountId, message.chatId].join("/");
    this.#messages += 1;
    const platformMessageId = `shown-${this.#messages}`;
    this.#byPiece.set(message.pieceId, platformMessageId);
    this.#shown.push({
      chat,
      text: `${message.label ?? ""}${message.text}`,
      platformMessageId,
      atMs: this.#options.time.nowMs(),
      labelled: message.label !== null,
    });
    return failed === "lost" ? { outcome: "broken" } : { outcome: "accepted", platformMessageId };
  }

  /** What people see now, each message where it was first shown. */
  get seen(): readonly SeenMessage[] {
    return this.#shown;
  }

  /** A message becomes another text, in its place. */
  edit(accountId: string, { chatId, text, messageId }: EditedMessage): PlatformAnswer {
    return this.#change(accountId, { chatId, messageId }, (index, old) => {
      this.#shown[index] = { ...old, text, atMs: this.#options.time.nowMs() };
    });
  }

  /** Nobody sees it any more. To delete what is gone is no mistake. */
  remove(accountId: string, message: { chatId: string; messageId: string }): PlatformAnswer {
    return this.#change(accountId, message, (index) => void this.#shown.splice(index, 1));
  }

  #change(
    accountId: string,
    { chatId, messageId }: { chatId: string; messageId: string },
    change: (index: number, old: SeenMessage) => void,
  ): PlatformAnswer {
    const failed = this.#misbehave(accountId, chatId);
    if (failed !== null && failed !== "lost") return answerOf(failed);
    const index = this.#shown.findIndex((one) => one.platformMessageId === messageId);
    const old = this.#shown[index];
    if (old !== undefined) change(index, old);
    return failed === null ? { outcome: "accepted", platformMessageId: messageId } : { outcome: "broken" };
  }

  /** Null where the platform does what it is told. */
  #misbehave(accountId: string, chatId: string): Misbehaviour | null {
    const behaviour = this.#options.behaviour();
    if (behaviour === "accept") return null;
    this.refusals.push({ chat: [this.channel, accountId, chatId].join("/"), atMs: this.#options.time.nowMs() });
    return behaviour;
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

function answerOf(failed: Exclude<Misbehaviour, "lost">): PlatformAnswer {
  switch (failed) {
    case "busy":
      return { outcome: "refused", retryAfterMs: 3_000 };
    case "error":
      return { outcome: "refused", retryAfterMs: null };
    case "break":
      return { outcome: "broken" };
  }
}
