/**
 * What a turn does with the messages that wait behind it: which it takes in, which are too many, whether it gives way.
 * Pure. A message joins a turn only where it could have been part of the same message: by the same sender, from the same
 * chat, asked in the same way. The turn acts in its first sender's name, and nobody else's words may borrow that.
 */
import type { Config } from "../../config/schema/root.ts";
import { callerScopes } from "../../domain/caller-scopes.ts";
import { messageText } from "../../domain/message.ts";
import type { InboxEntry, InboxRow } from "../../store/port.ts";
import { commandOf } from "../commands.ts";
import type { QueueMode } from "./queue-mode.ts";

type Joining = Pick<InboxEntry, "message" | "options" | "ephemeral">;

export interface Waiting {
  /** The message that the turn answers. */
  readonly row: Joining;
  /** Oldest first: everything that waits behind it, up to the most that is looked at. */
  readonly behind: readonly InboxRow[];
  readonly mode: QueueMode;
  /** Whether a model has been asked in this turn. */
  readonly begun: boolean;
  readonly queue: Pick<Config["messages"]["queue"], "cap" | "drop">;
}

export interface Sorted {
  /** More than may wait: they end here, and the model is told that there were some. */
  readonly over: readonly InboxRow[];
  readonly taken: readonly InboxRow[];
  /** The turn ends for the sake of what waits. */
  readonly givesWay: boolean;
}

export function sortWaiting({ row, behind, mode, begun, queue }: Waiting): Sorted {
  // Up to the first that has to have a turn of its own: none may overtake it.
  const stop = behind.findIndex((waiting) => !mayJoin(row, waiting));
  const joining = stop === -1 ? behind : behind.slice(0, stop);
  const excess = Math.min(joining.length, Math.max(0, behind.length - queue.cap));
  const newest = queue.drop === "new";
  const over = newest ? joining.slice(joining.length - excess) : joining.slice(0, excess);
  const rest = newest ? joining.slice(0, joining.length - excess) : joining.slice(excess);
  const takes = mode === "steer" || (mode === "collect" && !begun);
  return { over, taken: takes ? rest : [], givesWay: mode === "interrupt" && rest.length > 0 };
}

/** Whether a message can be part of the turn that answers another one. */
export function mayJoin(first: Joining, later: Joining): boolean {
  return isPlain(first) && isPlain(later) && sameSpeaker(first, later) && same(first.options, later.options);
}

/** A command is answered by rule, and what says more than its words do is answered by itself. */
function isPlain({ message, options, ephemeral }: Joining): boolean {
  const speaksForItself = ["history", "input", "compact", "born"].some((key) => options[key] !== undefined);
  return !ephemeral && !speaksForItself && message.kind === "message" && commandOf(messageText(message)) === null;
}

function sameSpeaker({ message: first }: Joining, { message: later }: Joining): boolean {
  const { channel, accountId, chatId, threadId } = first.address;
  const there = later.address;
  return (
    first.sender.id === later.sender.id &&
    same(callerScopes(first), callerScopes(later)) &&
    channel === there.channel &&
    accountId === there.accountId &&
    chatId === there.chatId &&
    threadId === there.threadId
  );
}

/** What comes from the same caller has its keys in the same order. */
function same(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
