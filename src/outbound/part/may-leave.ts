/** Whether a part may leave now, asked at the last moment: rules that were changed while it waited hold for it too. */
import { AppError } from "../../domain/app-error.ts";
import type { OutboxRow } from "../../store/port.ts";
import type { Attempt } from "../contract.ts";

export type Leave =
  | { readonly leave: "yes" }
  | { readonly leave: "expired" | "no"; readonly error: AppError }
  /** Somebody has to allow it first. */
  | { readonly leave: "ask" }
  | { readonly leave: "stopped"; readonly reason: unknown };

export function mayLeave(row: OutboxRow, { settings, stop, work }: Attempt): Leave {
  if (stop.aborted) return { leave: "stopped", reason: stop.reason };
  if (row.expiresMs <= work.clock.nowMs()) return { leave: "expired", error: expired() };
  const refused = work.permission(row.address);
  if (refused !== null) return { leave: "no", error: refused };
  const { permission } = settings.policy;
  if (permission === "deny") {
    const { channel, accountId } = row.address;
    const error = new AppError("SEC_001", `Nothing is sent from ${channel}/${accountId}.`, { retry: "never" });
    return { leave: "no", error };
  }
  // A part that is half there was allowed when it began.
  const asked = permission === "require-approval" && row.approvedMs === null && row.chunksSent === 0;
  return asked ? { leave: "ask" } : { leave: "yes" };
}

function expired(): AppError {
  return new AppError("MSG_002", "The reply waited too long to be sent and has expired.", { retry: "never" });
}
