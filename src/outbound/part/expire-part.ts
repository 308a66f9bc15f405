/**
 * The end of a part that came too late to be sent, and the word about it to its chat. Told once: while one such word waits
 * for a chat, what expires besides adds none, and a notice that expires itself is followed by nothing.
 */
import type { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import type { OutboxDraft, OutboxRow, PartState } from "../../store/port.ts";
import type { DeliveryWork } from "../contract.ts";
import { undecidedDoubt, withKnown } from "./known-so-far.ts";
import { recordUnsent } from "./record.ts";

/** Ends a part as expired and tells its chat, in one commit. */
export type ExpirePart = (row: OutboxRow, error: AppError) => Promise<void>;

export function createExpirePart(work: DeliveryWork): ExpirePart {
  /** The notice that was last written for a chat. */
  let waiting: Promise<Map<string, string>> | undefined;

  async function isWaiting(chat: string): Promise<boolean> {
    const id = (await waiting)?.get(chat);
    const notice = id === undefined ? null : await work.store.outbox.get(id);
    return notice !== null && unfinished.includes(notice.state);
  }

  async function noticeFor(row: OutboxRow): Promise<OutboxDraft | null> {
    if (isNotice(row) || row.action.type === "delete" || row.action.type === "react") return null;
    waiting ??= noticesOfEarlierRuns(work);
    const known = await waiting;
    const chat = chatOf(row);
    if (await isWaiting(chat)) return null;
    const notice = noticeOf(row, work);
    known.delete(chat);
    known.set(chat, notice.id);
    if (known.size > chatsRemembered) known.delete(known.keys().next().value as string);
    return notice;
  }

  return async (row, error) => {
    const notice = await noticeFor(row);
    const known = withKnown(row, error.toJSON(), undecidedDoubt(row));
    return recordUnsent(row, { state: "expired", error: known, ...(notice && { notice }) }, work);
  };
}

function noticeOf({ id, address, replyToId }: OutboxRow, { clock, settings }: DeliveryWork): OutboxDraft {
  const asked = settings(address).policy.permission === "require-approval";
  return {
    id: `${id}${noticeSuffix}`,
    address,
    replyToId,
    reply: { markdown: noticeText },
    expiresMs: clock.nowMs() + limits.noticeTtlMs,
    state: asked ? "held" : "prepared",
  };
}

const noticeText = "⚠️ A reply could not be sent in time and has expired. Please ask again if you still need it.";

const noticeSuffix = ".notice";

/** States in which a notice has yet to be seen. */
const unfinished: readonly PartState[] = ["held", "prepared", "sending", "unknown"];

const chatsRemembered = 1_000;

function isNotice({ id }: Pick<OutboxRow, "id">): boolean {
  return id.endsWith(noticeSuffix);
}

/** Looked for once, when the first part expires: a start does not wait for it. */
async function noticesOfEarlierRuns({ store }: DeliveryWork): Promise<Map<string, string>> {
  const notices = new Map<string, string>();
  for (const state of unfinished) {
    for (const row of await store.outbox.inState(state, chatsRemembered)) {
      if (isNotice(row)) notices.set(chatOf(row), row.id);
    }
  }
  return notices;
}

function chatOf({ address }: Pick<OutboxRow, "address">): string {
  const { channel, accountId, chatId, threadId } = address;
  return JSON.stringify([channel, accountId, chatId, threadId ?? null]);
}
