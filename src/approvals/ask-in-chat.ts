/**
 * Questions in chats: where they are asked, in which words, and that their time is over. Asks nobody who could not answer;
 * answers come in as messages and are no business of this file.
 */
import type { Config } from "../config/schema/root.ts";
import { AppError } from "../domain/app-error.ts";
import type { Address, Reply } from "../domain/message.ts";
import { limits } from "../domain/limits.ts";
import type { Clock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import type { ApprovalRow } from "../store/budget-port.ts";
import type { ActQuestion, ApprovalListener, ApprovalView } from "./contract.ts";
import { approvalView, questionOf } from "./subject.ts";
import { expiredSentence, fitsChat, questionMarkdown } from "./words.ts";

export interface AskInChatDeps {
  readonly config: () => Config;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether what is said there is sent now, without somebody's yes. */
  readonly reaches: (address: Address) => boolean;
  /** Whether anybody who may answer is in the chat that the turn answers, as far as is known. */
  readonly mayAnswerThere: (question: ActQuestion) => boolean;
  /** Puts it into the outbox; a known id says nothing again. */
  readonly say: (notice: ChatNotice) => Promise<void>;
}

export interface ChatNotice {
  readonly id: string;
  readonly address: Address;
  readonly reply: Reply;
  readonly expiresMs: number;
  readonly sessionKey: string;
}

export function createAskInChat(deps: AskInChatDeps): ApprovalListener {
  const { clock, log } = deps;
  const sayAll = (row: ApprovalRow, what: string, reply: Reply, expiresMs: number): void => {
    for (const address of chatsFor(questionOf(row), deps)) {
      const id = noticeId(what, row.id, address);
      deps.say({ id, address, reply, expiresMs, sessionKey: row.sessionKey }).catch((thrown: unknown) => {
        log.error("a question could not be put to a chat", { approval: row.id, error: AppError.from(thrown).toJSON() });
      });
    }
  };
  return {
    id: "chats",
    reaches: (question) => chatsFor(question, deps).length > 0,
    asked(row) {
      sayAll(row, "approval", questionReply(approvalView(row), clock.nowMs()), row.expiresMs);
    },
    resolved(row) {
      // Whoever answered is told where they did; the turn that goes on tells the rest.
      if (row.state !== "expired") return;
      const markdown = expiredSentence(row);
      sayAll(row, "approval-over", { markdown }, clock.nowMs() + limits.noticeTtlMs);
    },
  };
}

/** Known ids are never said twice, so a restart asks nobody again. */
function noticeId(what: string, id: string, { channel, accountId, chatId, threadId }: Address): string {
  return JSON.stringify([what, id, channel, accountId, chatId, threadId ?? null]);
}

function chatsFor(question: ActQuestion, { config, reaches, mayAnswerThere }: AskInChatDeps): readonly Address[] {
  const { enabled, mode, targets } = config().approvals.exec;
  if (!enabled) return [];
  const own = mode === "targets" || !mayAnswerThere(question) ? [] : [question.address];
  const named = mode === "session" ? [] : targets.map(addressOf);
  const chats = [...own, ...named.filter((address) => !own.some((chat) => isSameChat(chat, address)))];
  return chats.filter(reaches);
}

function addressOf({ channel, to, accountId }: Config["approvals"]["exec"]["targets"][number]): Address {
  return { channel, accountId: accountId ?? "default", chatId: to, chatKind: /^[#-]/.test(to) ? "group" : "dm" };
}

function isSameChat(left: Address, right: Address): boolean {
  return left.channel === right.channel && left.accountId === right.accountId && left.chatId === right.chatId;
}

function questionReply(view: ApprovalView, nowMs: number): Reply {
  const { id, always, shown } = view;
  const deny = { label: "Deny", says: `/deny ${id}` };
  const allow = [
    { label: "Allow once", says: `/approve ${id}` },
    ...(always === null ? [] : [{ label: "Always", says: `/approve ${id} always` }]),
  ];
  return { markdown: questionMarkdown(view, nowMs), buttons: fitsChat(shown) ? [...allow, deny] : [deny] };
}
