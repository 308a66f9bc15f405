/** What commands run in: what was found on this machine, and what each agent is set to. */
import { z } from "zod";
import { method } from "../method.ts";

const foundSchema = z.discriminatedUnion("found", [
  z.strictObject({
    found: z.literal(true),
    kind: z.enum(["bubblewrap", "docker"]),
    version: z.string(),
    /** `box`: bounded for all of a box together; `process`: for each process. */
    memory: z.enum(["box", "process"]),
    /** Whether the number of processes is bounded. */
    processes: z.boolean(),
    /** Why a bound is weaker than it could be. */
    note: z.string().nullable(),
  }),
  z.strictObject({ found: z.literal(false), why: z.string() }),
]);

const agentSchema = z.strictObject({
  agentId: z.string(),
  mode: z.enum(["off", "non-main", "all"]),
  workspaceAccess: z.enum(["none", "ro", "rw"]),
  network: z.boolean(),
  memoryMb: z.number().int(),
  sandbox: foundSchema,
  /** Why its commands are refused all the same: a folder that may not be mounted; null where nothing is amiss. */
  trouble: z.string().nullable(),
});

export const sandboxStatus = method({
  name: "sandbox.status",
  scope: "operator.read",
  params: z.strictObject({}),
  result: z.strictObject({ agents: z.array(agentSchema) }),
  summary: "What each agent's commands run in, and whether it works on this machine.",
});
