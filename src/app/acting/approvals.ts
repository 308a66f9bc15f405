/**
 * Approvals, put together: the desk and who may be asked at it besides chats. Made once per gateway, before the way of a
 * message, whose turns ask there.
 */
import { createApprovalDesk, type ApprovalDeskDeps } from "../../approvals/desk.ts";
import type { ApprovalDesk } from "../../approvals/contract.ts";
import { AppError } from "../../domain/app-error.ts";

/** The desk, with a queue that is made after it. */
export interface Approvals extends ApprovalDesk {
  /** From here on answers set messages going; before, the store alone knows that they are due. */
  follow(queue: { wakeQueue(): void }): void;
}

export function openApprovals(deps: Omit<ApprovalDeskDeps, "wakeQueue">): Approvals {
  let queue: { wakeQueue(): void } | null = null;
  const desk = createApprovalDesk({ ...deps, wakeQueue: () => queue?.wakeQueue() });
  return {
    ask: (question) => desk.ask(question),
    answer: (id, answer, by) => desk.answer(id, answer, by),
    pending: () => desk.pending(),
    find: (id) => desk.find(id),
    listen: (listener) => desk.listen(listener),
    start: () => desk.start(),
    close: () => desk.close(),
    follow: (made) => void (queue = made),
  };
}

/** Where nothing is allowed for good: an answer of that kind counts once, and whoever gave it is told so. */
export const noGrants: ApprovalDeskDeps["commands"] = Object.freeze({
  grant: () => Promise.reject(new AppError("SEC_010", "Commands are not allowed for good here.")),
});
