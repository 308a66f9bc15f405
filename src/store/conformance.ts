/**
 * What every store must do, whatever database is behind it: the rules of the port's header and each method's contract.
 * A store's own test calls this once. The database it opens must be empty.
 */
import { afterAll, beforeAll, describe } from "vitest";
import { approvalRules } from "./conformance/approvals.ts";
import { attemptRules } from "./conformance/attempts.ts";
import { budgetRules } from "./conformance/budgets.ts";
import { deadLetterRules } from "./conformance/dead-letters.ts";
import { decisionRules } from "./conformance/decisions.ts";
import { fairnessRules } from "./conformance/fairness.ts";
import { inboxRules } from "./conformance/inbox.ts";
import { ledgerRules } from "./conformance/ledger.ts";
import { namedRules } from "./conformance/named.ts";
import { outboxRules } from "./conformance/outbox.ts";
import { overhearingRules } from "./conformance/overhearing.ts";
import { parkingRules } from "./conformance/parking.ts";
import { partRules } from "./conformance/parts.ts";
import { scheduleRules } from "./conformance/schedules.ts";
import { sessionRules } from "./conformance/sessions.ts";
import { traceRules } from "./conformance/tracing.ts";
import { turnRules } from "./conformance/turns.ts";
import { usageRules } from "./conformance/usage.ts";
import type { Store } from "./port.ts";

export interface StoreUnderTest {
  readonly store: Store;
  /** Closes and opens the same data again, as a restart does. Returns the new store. */
  reopen(): Promise<Store>;
  /** Closes and removes everything. */
  close(): Promise<void>;
}

/** The store under test as the rules see it: they run one after another on the same data, each in sessions of its own. */
export interface Rig {
  store(): Store;
  reopen(): Promise<Store>;
}

export function storeConformance(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`a store on ${name}`, () => {
    let opened: StoreUnderTest;
    let current: Store;
    beforeAll(async () => {
      opened = await open();
      current = opened.store;
    });
    afterAll(() => opened.close());
    const rig: Rig = {
      store: () => current,
      async reopen() {
        current = await opened.reopen();
        return current;
      },
    };
    describe("inbox", () => {
      inboxRules(rig);
    });
    describe("attempts", () => {
      attemptRules(rig);
    });
    describe("senders", () => {
      fairnessRules(rig);
    });
    describe("what was overheard", () => {
      overhearingRules(rig);
    });
    describe("schedules", () => {
      scheduleRules(rig);
    });
    describe("turns", () => {
      turnRules(rig);
    });
    describe("outbox", () => {
      outboxRules(rig);
    });
    describe("parts on their way", () => {
      partRules(rig);
    });
    describe("dead letters", () => {
      deadLetterRules(rig);
    });
    describe("trace and totals", () => {
      traceRules(rig);
    });
    describe("sessions", () => {
      sessionRules(rig);
    });
    describe("ledger", () => {
      ledgerRules(rig);
    });
    describe("budgets", () => {
      budgetRules(rig);
    });
    describe("approvals", () => {
      approvalRules(rig);
    });
    describe("messages behind a question", () => {
      parkingRules(rig);
    });
    describe("decisions", () => {
      decisionRules(rig);
    });
    describe("usage", () => {
      usageRules(rig);
    });
    describe("keys, devices, documents, trace", () => {
      namedRules(rig);
    });
  });
}
