/** Acting in a house without people: everything is allowed but commands, and nobody is asked. The drill's. */
import type { ApprovalDesk } from "../../approvals/contract.ts";
import { AppError } from "../../domain/app-error.ts";
import type { CommandDesk } from "../../exec/contract.ts";
import type { Policy } from "../../policy/contract.ts";
import type { SurroundingsReader } from "../../skills/contract.ts";
import { allowingPolicy } from "../../policy/fixed-policy.ts";

export interface Acting {
  readonly policy: Policy;
  readonly approvals: Pick<ApprovalDesk, "ask" | "answer" | "find" | "pending" | "listen">;
  readonly commands: Pick<CommandDesk, "approve" | "used">;
  readonly surroundings: SurroundingsReader;
}

export function nobodyThere(): Acting {
  return {
    policy: allowingPolicy(),
    surroundings: { read: () => Promise.resolve({ hash: "", sections: [], skills: [] }) },
    approvals: {
      ask: () => Promise.resolve({ state: "denied", id: null, why: "nobody-to-ask", by: null }),
      answer: () => Promise.resolve({ outcome: "unknown" }),
      find: () => Promise.resolve(null),
      pending: () => Promise.resolve([]),
      listen: () => () => undefined,
    },
    commands: {
      approve: () => Promise.reject(new AppError("SEC_010", "No command runs here.")),
      used: () => undefined,
    },
  };
}
