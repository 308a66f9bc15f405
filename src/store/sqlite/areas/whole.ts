/** The store of the port, whole: every area over one way to the data. */
import type { Store } from "../../port.ts";
import type { Access } from "../access.ts";
import { totals } from "../queries/named.ts";
import { approvalStore, budgetStore } from "./budget.ts";
import { decisionStore } from "./decisions.ts";
import { deadLetterStore } from "./dead-letters.ts";
import { inboxStore } from "./inbox.ts";
import { ledgerStore } from "./ledger.ts";
import { deviceStore, documentStore, idempotencyStore, traceStore } from "./named.ts";
import { outboxStore } from "./outbox.ts";
import { sessionStore } from "./sessions.ts";
import { turnStore } from "./turns.ts";

export function storeOver(access: Access, close: () => Promise<void>): Store {
  return {
    inbox: inboxStore(access),
    turns: turnStore(access),
    outbox: outboxStore(access),
    deadLetters: deadLetterStore(access),
    sessions: sessionStore(access),
    ledger: ledgerStore(access),
    budgets: budgetStore(access),
    approvals: approvalStore(access),
    idempotency: idempotencyStore(access),
    devices: deviceStore(access),
    documents: documentStore(access),
    trace: traceStore(access),
    decisions: decisionStore(access),
    async totals() {
      const counted = new Map((await access.near(totals)).map(({ name, n }) => [name, n]));
      return {
        duplicates: counted.get("duplicates") ?? 0,
        leasesLost: counted.get("leases-lost") ?? 0,
        unknownSends: counted.get("unknown-sends") ?? 0,
      };
    },
    async probe() {
      await access.write("probe", null);
    },
    prune: (options) => access.write("prune", options),
    async compact() {
      await access.write("compact", null);
    },
    close,
  };
}
