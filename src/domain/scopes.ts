/** Roles and scopes: what a credential may be good for. Pure rules, shared by gateway, CLI and docs. */

export const roles = ["operator", "node"] as const;
export type Role = (typeof roles)[number];

export const scopes = [
  "operator.admin",
  "operator.read",
  "operator.write",
  "operator.approvals",
  "operator.pairing",
  /** Only for clients of role node. */
  "node",
] as const;
export type Scope = (typeof scopes)[number];

/** Whether a set of granted scopes covers a needed one: admin covers every operator scope, write covers read. */
export function coversScope(granted: readonly Scope[], needed: Scope): boolean {
  if (granted.includes(needed)) return true;
  if (needed === "node") return false;
  if (granted.includes("operator.admin")) return true;
  return needed === "operator.read" && granted.includes("operator.write");
}
