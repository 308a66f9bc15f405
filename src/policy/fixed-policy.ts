/** A policy that always says the same, for a house without people: the drill's, and tests of other rooms. */
import type { Policy } from "./contract.ts";

export function allowingPolicy(): Policy {
  const rule = { where: "built-in", says: "Everything is allowed here." };
  return {
    permits: () => ({ allowed: true, rule }),
    decide: () => Promise.resolve({ effect: "allow", rule, trail: [rule], command: null }),
  };
}
