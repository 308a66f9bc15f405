/** Every command by its name: what the main thread may ask of the writer. */
import type { Database } from "../database.ts";
import { purge, replay } from "./dead-letters.ts";
import { addDecisions, pruneDecisions } from "./decisions.ts";
import { putDevice, removeDevice } from "./devices.ts";
import { deleteDocument, putDocument } from "./documents.ts";
import { rebuild } from "./erase.ts";
import { book } from "./ledger.ts";
import { beginKey, completeKey, pruneKeys, recoverKeys, releaseKey } from "./idempotency.ts";
import { admit, end, prune, recover } from "./inbox.ts";
import { claim, renew, retry } from "./lease.ts";
import { askApproval, decideApproval } from "./money/approvals.ts";
import { loseOrphans, pruneBudgets, reserve, settleLost } from "./money/budget.ts";
import { releaseHold } from "./money/hold.ts";
import { mayTell, pauseSpending, resumeSpending } from "./money/pause.ts";
import {
  addNotice,
  decide,
  postpone,
  pruneParts,
  recordProgress,
  recoverParts,
  resubmit,
  settle,
  startSending,
} from "./outbox.ts";
import { appendToSession, deleteSession, importSession, openSession, patchSession, resetSession } from "./sessions.ts";
import { addTrace, pruneTrace } from "./trace.ts";
import { appendStep, finish, giveBack, mergeInto, park } from "./turns.ts";

export const commands = {
  admit,
  claim,
  renew,
  release: giveBack,
  retry,
  park,
  mergeInto,
  end,
  recover,
  appendStep,
  finish,
  addNotice,
  startSending,
  recordProgress,
  settle,
  decide,
  postpone,
  resubmit,
  recoverParts,
  replay,
  purge,
  openSession,
  patchSession,
  resetSession,
  deleteSession,
  appendToSession,
  importSession,
  book,
  beginKey,
  completeKey,
  releaseKey,
  recoverKeys: (db: Database, _args: null): number => recoverKeys(db),
  pruneKeys,
  putDevice,
  removeDevice,
  putDocument,
  deleteDocument,
  reserve,
  releaseHold,
  loseOrphans,
  settleLost,
  pauseSpending,
  resumeSpending,
  mayTell,
  askApproval,
  decideApproval,
  addDecisions,
  pruneDecisions,
  addTrace,
  pruneTrace,
  prune: (db: Database, args: { beforeMs: number; limit: number }): number =>
    prune(db, args) + pruneParts(db, args) + pruneBudgets(db, args),
  /** A real commit, so that a disk that takes no more is noticed. */
  probe(db: Database, _args: null): null {
    db.run(`INSERT INTO counter VALUES ('probe', 1) ON CONFLICT (name) DO UPDATE SET n = n + 1`);
    return null;
  },
  compact(db: Database, _args: null): null {
    db.afterCommit(() => rebuild(db));
    return null;
  },
};

export type Commands = typeof commands;
export type CommandName = keyof Commands;
export type CommandArgs<Name extends CommandName> = Parameters<Commands[Name]>[1];
export type CommandResult<Name extends CommandName> = ReturnType<Commands[Name]>;
