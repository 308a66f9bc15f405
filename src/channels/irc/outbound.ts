/**
 * Sends, and finds out what became of it. A line counts as sent when the server has said so: by its echo where it can
 * label one, else by answering a PING that was written behind the line. One line at a time to one chat, so that an
 * error names the line it belongs to.
 */
import { AppError } from "../../domain/app-error.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Ids } from "../../platform/ids.ts";
import type { OutboundPiece, SendOutcome } from "../contract.ts";
import { foldName, type Casemap } from "./casemap.ts";
import { parseChatId, type Chat } from "./chat-id.ts";
import type { FloodGate } from "./flood.ts";
import { attachmentLine, fitLines } from "./format.ts";
import type { IrcLine } from "./line.ts";
import type { Wire } from "./wire.ts";

/** A server that has not answered by then is as good as gone. */
export const confirmTimeoutMs = 30_000;

export interface OutboundOptions {
  readonly wire: Wire;
  readonly gate: FloodGate;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly casemap: Casemap;
  readonly capability: (name: string) => boolean;
  /** `nick!user@host`, as the server will put it before our words. */
  readonly ownPrefix: () => string;
  readonly isSelf: (nick: string) => boolean;
  /** Who sits behind a nick now; null where nobody does. */
  readonly identify: (nick: string, signal: AbortSignal) => Promise<string | null>;
  /** Told of every id under which the server filed one of our messages. */
  readonly filed: (platformMessageId: string) => void;
}

interface Pending {
  readonly target: string;
  readonly label: string | null;
  /** Where the labelled answer has several lines, the reference of their batch. */
  batch: string | null;
  refusal: AppError | null;
  messageId: string | null;
  readonly settle: () => void;
}

type LineOutcome =
  | { readonly ok: true; readonly messageId: string | null }
  | { readonly ok: false; readonly error: AppError; readonly written: boolean };

/** Whoever has left may come back, and not within seconds: their reply is looked at again after so long. */
const absencePauseMs = 60_000;

export class Outbound {
  readonly #options: OutboundOptions;
  readonly #chains = new Map<string, Promise<unknown>>();
  readonly #pending = new Set<Pending>();

  constructor(options: OutboundOptions) {
    this.#options = options;
  }

  async send(piece: OutboundPiece, signal: AbortSignal): Promise<SendOutcome> {
    const chat = parseChatId(piece.address.chatId);
    if (chat === null) return notSent(new AppError("MSG_002", "The address is no name on IRC.", { retry: "never" }));
    const key = foldName(chat.target, this.#options.casemap);
    const turn = (this.#chains.get(key) ?? Promise.resolve()).then(() => this.#sendPiece(chat, piece, signal));
    this.#chains.set(key, turn);
    try {
      return await turn;
    } catch (error) {
      // Nothing below throws after the first byte was written: see #line.
      return notSent(AppError.from(error, "MSG_002"));
    } finally {
      if (this.#chains.get(key) === turn) this.#chains.delete(key);
    }
  }

  /** What the server says while a line of ours waits for its fate. */
  line(line: IrcLine): void {
    if (this.#pending.size === 0) return;
    if (line.command === "BATCH") this.#batch(line);
    const pending = this.#pendingFor(line);
    if (pending === undefined) return;
    const refusal = refusalOf(line);
    if (refusal !== null) pending.refusal ??= refusal;
    // In the same chat others speak too: only our own words have our message's id.
    if (this.#isEcho(line)) pending.messageId ??= line.tags["msgid"] ?? null;
    if (line.tags["label"] !== undefined && line.tags["label"] === pending.label && pending.batch === null)
      pending.settle();
  }

  async #sendPiece(chat: Chat, piece: OutboundPiece, signal: AbortSignal): Promise<SendOutcome> {
    const problem = await this.#problemWith(chat, signal);
    if (problem !== null) return notSent(problem);
    const text = [`${piece.label ?? ""}${piece.text}`, ...piece.attachments.map(attachmentLine)].join("\n");
    const lines = fitLines(text, this.#roomFor(chat.target));
    let messageId: string | null = null;
    for (const [index, line] of lines.entries()) {
      const outcome = await this.#line(chat.target, line, index === 0 ? piece.replyToId : null, signal);
      if (!outcome.ok) {
        // What stands before it has been read already: repeating the piece would say that twice.
        return outcome.written || index > 0 ? { outcome: "unknown", error: outcome.error } : notSent(outcome.error);
      }
      messageId ??= outcome.messageId;
    }
    return { outcome: "sent", platformMessageId: messageId };
  }

  /** A direct reply is for the person who asked, not for whoever has the nick by now. */
  async #problemWith(chat: Chat, signal: AbortSignal): Promise<AppError | null> {
    if (chat.kind === "room") return null;
    if (this.#options.isSelf(chat.target))
      return new AppError("MSG_002", "The assistant does not write to itself.", { retry: "never" });
    if (chat.identity === null) return null;
    const identity = await this.#options.identify(chat.target, signal);
    if (identity === chat.identity) return null;
    if (identity === null)
      return new AppError("CONN_001", `${chat.target} is not on IRC now.`, { retryAfterMs: absencePauseMs });
    return new AppError("MSG_002", `The nick ${chat.target} belongs to somebody else now.`, { retry: "never" });
  }

  /** Never throws once the line may have been written. */
  async #line(target: string, text: string, replyToId: string | null, signal: AbortSignal): Promise<LineOutcome> {
    const { gate, wire } = this.#options;
    try {
      await gate.enter(signal);
    } catch (error) {
      return { ok: false, written: false, error: AppError.from(error, "CONN_001") };
    }
    try {
      const labelled = ["labeled-response", "echo-message", "batch"].every(this.#options.capability);
      const label = labelled ? this.#options.ids.hex(6) : null;
      const reply = replyToId !== null && this.#options.capability("message-tags") ? { "+draft/reply": replyToId } : {};
      const tags = { ...(label === null ? {} : { label }), ...reply };
      if (!wire.send("PRIVMSG", [target, text], tags)) {
        return {
          ok: false,
          written: false,
          error: wire.closedBy ?? new AppError("CONN_001", "The connection is gone."),
        };
      }
      return await this.#confirm(target, label, signal);
    } catch (error) {
      // A line that cannot be written is refused before a byte of it leaves.
      return { ok: false, written: false, error: AppError.from(error, "MSG_001") };
    } finally {
      gate.confirmed();
    }
  }

  async #confirm(target: string, label: string | null, signal: AbortSignal): Promise<LineOutcome> {
    const { wire, clock, casemap } = this.#options;
    const settled = Promise.withResolvers<void>();
    const pending: Pending = {
      target: foldName(target, casemap),
      label,
      batch: null,
      refusal: null,
      messageId: null,
      settle: settled.resolve,
    };
    this.#pending.add(pending);
    const patience = new AbortController();
    const timeout = clock.after(confirmTimeoutMs, () =>
      patience.abort(new AppError("CONN_001", "The server did not confirm the message.")),
    );
    const either = AbortSignal.any([signal, patience.signal]);
    const stop = wire.onClosed((error) => patience.abort(error));
    try {
      await (label === null ? wire.roundTrip(either) : untilAborted(settled.promise, either));
    } catch (error) {
      return { ok: false, written: true, error: AppError.from(error, "CONN_001") };
    } finally {
      stop();
      timeout.cancel();
      this.#pending.delete(pending);
    }
    if (pending.refusal !== null) return { ok: false, written: false, error: pending.refusal };
    if (pending.messageId !== null) this.#options.filed(pending.messageId);
    return { ok: true, messageId: pending.messageId };
  }

  #batch({ tags, params }: IrcLine): void {
    const [reference = ""] = params;
    for (const pending of this.#pending) {
      if (reference.startsWith("+") && pending.label !== null && tags["label"] === pending.label)
        pending.batch = reference.slice(1);
      else if (reference.startsWith("-") && pending.batch === reference.slice(1)) pending.settle();
    }
  }

  #isEcho({ command, source }: IrcLine): boolean {
    return command === "PRIVMSG" && source !== null && this.#options.isSelf(source.name);
  }

  #pendingFor(line: IrcLine): Pending | undefined {
    const { label, batch } = line.tags;
    const echo = this.#isEcho(line);
    const names = line.params.map((param) => foldName(param, this.#options.casemap));
    for (const pending of this.#pending) {
      if (pending.label !== null) {
        if (label === pending.label || (batch !== undefined && batch === pending.batch)) return pending;
      } else if (echo ? names[0] === pending.target : names.includes(pending.target)) {
        return pending;
      }
    }
    return undefined;
  }

  /** How many bytes of text one line to this target has room for, behind the prefix that the server will put before it. */
  #roomFor(target: string): number {
    return Math.max(64, 512 - Buffer.byteLength(`:${this.#options.ownPrefix()} PRIVMSG ${target} :\r\n`));
  }
}

/** Errors that answer a message. Those about joining a room are not among them. */
function refusalOf({ command, params }: IrcLine): AppError | null {
  const said = params.at(-1) ?? command;
  if (command === "FAIL") return new AppError("MSG_002", `The server refused the message: ${said}`);
  // Asked too fast, or of too many people: it says so instead of taking the message.
  if (command === "263" || command === "439") return new AppError("CONN_003", said, { retryAfterMs: 10_000 });
  if (!/^[45]\d\d$/.test(command) && command !== "716") return null;
  if (["471", "473", "474", "475", "476", "405"].includes(command)) return null;
  return new AppError("MSG_002", `The server refused the message: ${said}`, { details: { numeric: command } });
}

function notSent(error: AppError): SendOutcome {
  return { outcome: "not-sent", error };
}

async function untilAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(AppError.from(signal.reason, "CONN_001"));
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
