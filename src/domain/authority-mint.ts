/**
 * Makes authority values. Imported by the guards alone (the layer check names them):
 * gateway/auth for principals, platform/safe-path, platform/egress, and the approval and budget gates.
 */
import type { ApprovedCommand, BudgetHold, EgressUrl, Principal, SafePath } from "./authority.ts";

type Plain<T> = { [K in keyof T as K extends symbol ? never : K]: T[K] };

export function mintPrincipal(plain: Plain<Principal>): Principal {
  return Object.freeze({ ...plain }) as Principal;
}

export function mintSafePath(plain: Plain<SafePath>): SafePath {
  return Object.freeze({ ...plain }) as SafePath;
}

export function mintEgressUrl(plain: Plain<EgressUrl>): EgressUrl {
  return Object.freeze({ ...plain }) as EgressUrl;
}

export function mintApprovedCommand(plain: Plain<ApprovedCommand>): ApprovedCommand {
  return Object.freeze({ ...plain }) as ApprovedCommand;
}

export function mintBudgetHold(plain: Plain<BudgetHold>): BudgetHold {
  return Object.freeze({ ...plain }) as BudgetHold;
}
