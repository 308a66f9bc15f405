/** What turns need of acting. */
import type { ApprovalDesk } from "../../approvals/contract.ts";
import type { CommandDesk } from "../../exec/contract.ts";
import type { Policy } from "../../policy/contract.ts";
import type { SurroundingsReader } from "../../skills/contract.ts";

export interface Acting {
  readonly policy: Policy;
  readonly approvals: Pick<ApprovalDesk, "ask" | "answer" | "find" | "pending" | "listen">;
  readonly commands: Pick<CommandDesk, "approve" | "used">;
  readonly surroundings: SurroundingsReader;
}
