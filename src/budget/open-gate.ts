/** The gate of a house in which nobody set a limit: every call may be made, and nothing is set aside for it. */
import { mintBudgetHold } from "../domain/authority-mint.ts";
import type { BudgetGate } from "./contract.ts";

export function createOpenGate(): BudgetGate {
  return {
    hold: ({ callId }) =>
      Promise.resolve({ granted: true, hold: mintBudgetHold({ id: callId, reservedMicros: 0 }), warnings: [] }),
    release: () => Promise.resolve(),
  };
}
