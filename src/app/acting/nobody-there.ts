/** Acting in a house without people: everything is allowed but commands, and nobody is asked. The drill's. */
import { AppError } from "../../domain/app-error.ts";
import { allowingPolicy } from "../../policy/fixed-policy.ts";
import type { Acting } from "./contract.ts";

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
