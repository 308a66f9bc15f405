/** Handlers of what commands are allowed for good. The room of commands checks and keeps it. */
import type { ApprovalsSnapshot } from "../../../exec/contract.ts";
import type { ResultOf } from "../../../protocol/method.ts";
import { execApprovalsExport, execApprovalsGet, execApprovalsSet } from "../../../protocol/methods/exec-approvals.ts";
import { handle, type BoundMethod } from "../handler.ts";
import type { RpcServices } from "../services.ts";

export function execApprovalMethods({ deps }: RpcServices): readonly BoundMethod[] {
  const { execApprovals } = deps;
  return [
    handle(execApprovalsGet, async () => shown(await execApprovals.get())),
    handle(execApprovalsSet, async ({ file, baseHash = null }) => shown(await execApprovals.set(file, baseHash))),
    handle(execApprovalsExport, async () => ({ path: await execApprovals.export() })),
  ];
}

function shown({ path, exists, hash, file }: ApprovalsSnapshot): ResultOf<typeof execApprovalsGet> {
  return { path, exists, hash, file: { ...(file as Record<string, unknown>) } };
}
