/** A turn that waits for a person gives its place back, and goes on behind its finished steps once somebody has answered. */
import { emitOf, type AgentDeps, type Turn } from "../turn.ts";

/** Thrown through the steps: nothing failed, and nothing is said. */
export class WaitsForPerson extends Error {
  override readonly name = "WaitsForPerson";
  readonly approvalId: string;
  readonly untilMs: number;

  constructor(approvalId: string, untilMs: number) {
    super("The turn waits for a person.");
    this.approvalId = approvalId;
    this.untilMs = untilMs;
  }
}

export async function parkTurn(turn: Turn, { approvalId, untilMs }: WaitsForPerson, deps: AgentDeps): Promise<void> {
  const { runId, sessionKey } = turn.row;
  const spent = turn.ledger.splice(0);
  // Whoever stops the turn meanwhile finds it here, and it ends when it is taken again.
  deps.registry.expect({ runId, sessionKey });
  await deps.store.inbox.park(turn.lease, { approvalId, atMs: deps.clock.nowMs(), untilMs, spent });
  emitOf(turn, deps, { type: "run.steps", steps: turn.pipeline.steps });
  emitOf(turn, deps, { type: "run.parked", approvalId, untilMs });
}
