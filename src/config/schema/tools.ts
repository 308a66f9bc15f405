/** `tools`: what agents may do. Deny wins over allow; an unknown group is an error, since it would allow or deny nothing. */
import * as z from "zod";
import { names, positive, record, secret } from "./leaf.ts";

export function toolsSchema() {
  return z.object({
    ...toolPolicyShape(),
    byProvider: record(z.object(toolPolicyShape())).optional().describe("Narrower rules for the models of a provider."),
    web: z.object({
      search: z
        .object({
          enabled: z.boolean().default(true).describe("Whether agents may search the web."),
          provider: z.string().optional().describe("Search service."),
          apiKey: secret().optional().describe("Its key."),
          maxResults: positive().max(20).default(5).describe("Results per search."),
        })
        .optional(),
      fetch: z.object({
        enabled: z.boolean().describe("Whether agents may read web pages."),
        maxChars: positive().describe("Most characters of one page."),
        allowedHosts: names().describe("Private hosts that may be read although they are not public."),
      }),
    }),
    exec: z.object({
      security: z.enum(["deny", "allowlist", "full"]).describe("Whether commands may run."),
      ask: z.enum(["off", "on-miss", "always"]).describe("When a person is asked first."),
      timeoutSeconds: positive().describe("Longest time of one command."),
    }),
    fs: z.object({ workspaceOnly: z.boolean().describe("Whether file tools stay inside the workspace.") }),
    elevated: z.object({
      enabled: z.boolean().describe("Whether named senders may run commands outside the sandbox."),
      allowFrom: record(names()).describe("Those senders, by channel."),
    }),
    loopDetection: z.object({
      enabled: z.boolean().describe("Ends a turn that repeats the same call."),
      maxRepeats: positive().describe("Equal calls in a row before it does."),
    }),
    agentToAgent: z.object({
      enabled: z.boolean().describe("Whether agents may write to each other."),
      allow: names().describe("Agents that may be written to."),
    }),
    sessions: z.object({
      visibility: z.enum(["self", "tree", "agent", "all"]).describe("Which sessions an agent's tools can see."),
    }),
    media: z
      .object({
        audio: z
          .object({
            enabled: z.boolean().default(true).describe("Whether voice messages are written down."),
            model: z.string().optional().describe("Model that does it."),
            command: names().optional().describe("Program and arguments that do it; {file} is the file."),
          })
          .optional(),
      })
      .optional(),
  });
}

/** The part that an agent or a provider can narrow. */
export function toolPolicyShape() {
  return {
    profile: z.enum(["minimal", "coding", "messaging", "full"]).optional().describe("A named set to start from."),
    allow: names().optional().describe("Tools and groups that may be used; absent is all of the profile."),
    alsoAllow: names().optional().describe("Added to the profile."),
    deny: names().optional().describe("Never used, whatever else allows them."),
  };
}

/** What may stand behind `group:`. */
export const toolGroups = [
  "fs",
  "runtime",
  "web",
  "memory",
  "sessions",
  "ui",
  "automation",
  "messaging",
  "nodes",
  "agents",
  "media",
  "openclaw",
  "plugins",
] as const;
