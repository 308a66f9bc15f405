/**
 * What every dispatch driver must do, whatever carries its wake-ups: the contract of `contract.ts`, over a real store.
 * A driver's own test calls this once; a driver that spans nodes runs the rules between nodes too.
 */
import { afterEach, beforeEach, describe } from "vitest";
import { failureRules } from "./conformance/failures.ts";
import { leaseRules } from "./conformance/leases.ts";
import { nodeRules } from "./conformance/nodes.ts";
import { orderRules } from "./conformance/order.ts";
import { scheduleRules } from "./conformance/schedules.ts";
import { workerRules } from "./conformance/workers.ts";
import { openWorld, type DriverUnderTest, type World } from "./conformance/world.ts";

export type { DriverUnderTest } from "./conformance/world.ts";

export interface DispatchSuite {
  readonly open: () => Promise<DriverUnderTest>;
  /** Whether a node hears of what another node admitted without waiting for its own sweep. */
  readonly spansNodes: boolean;
  /** Why the suite cannot run here; null or absent where it can. */
  readonly skip?: string | null;
}

export function dispatchConformance(name: string, suite: DispatchSuite): void {
  const reason = suite.skip ?? null;
  describe.skipIf(reason !== null)(`dispatch by ${name}${reason === null ? "" : ` (skipped: ${reason})`}`, () => {
    let world: World;
    beforeEach(async () => {
      world = await openWorld(suite.open);
    });
    afterEach(() => world.close());
    const current = (): World => world;
    describe("order", () => {
      orderRules(current);
    });
    describe("scheduled messages", () => {
      scheduleRules(current);
    });
    describe("workers", () => {
      workerRules(current);
    });
    describe("leases", () => {
      leaseRules(current);
    });
    describe("turns that fail", () => {
      failureRules(current);
    });
    if (suite.spansNodes) {
      describe("between nodes", () => {
        nodeRules(current);
      });
    }
  });
}
