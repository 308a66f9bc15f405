/** `tools`: what agents may do. Deny wins over allow; an unknown name is an error, since it would allow or deny nothing. */
import * as z from "zod";
import { toolProfiles } from "../../domain/tool-names.ts";
import { about, names, positive, record, secret } from "./leaf.ts";

export function toolsSchema() {
  return z.object({
    ...toolPolicyShape(),
    byProvider: about(record(z.object(toolPolicyShape())).optional(), "Narrower rules for the models of a provider."),
    byChannel: about(
      record(z.object(toolPolicyShape())).optional(),
      "Narrower rules for what comes from a channel; alsoAllow also lifts what people in groups may not use.",
    ),
    bySender: about(
      record(z.object(toolPolicyShape())).optional(),
      "The same for one sender, by channel:id such as telegram:123.",
    ),
    web: z.object({
      search: z
        .object({
          enabled: about(z.boolean().default(true), "Whether agents may search the web."),
          provider: about(z.enum(["searxng", "brave"]).optional(), "Search service; without one there is no search."),
          baseUrl: about(
            z.url({ protocol: /^https?$/, error: "expected an http or https address" }).optional(),
            "Its address: needed for searxng.",
          ),
          apiKey: about(secret().optional(), "Its key: needed for brave."),
          maxResults: about(positive().max(20).default(5), "Results per search."),
        })
        .optional(),
      fetch: z.object({
        enabled: about(z.boolean(), "Whether agents may read web pages."),
        maxChars: about(positive(), "Most characters of one page."),
        allowedHosts: about(names(), "Private hosts that may be read although they are not public."),
      }),
    }),
    exec: z.object({
      security: about(z.enum(["deny", "allowlist", "full"]), "Whether commands may run."),
      ask: about(z.enum(["off", "on-miss", "always"]), "When a person is asked first."),
      timeoutSeconds: about(positive(), "Longest time of one command."),
      safeBins: about(
        z.array(z.enum(["jq", "grep", "cut", "sort", "uniq", "head", "tail", "tr", "wc"])),
        "Filters that may run unasked on files of the workspace, with harmless options alone.",
      ),
    }),
    fs: z.object({ workspaceOnly: about(z.boolean(), "Whether file tools stay in the workspace; they do, today.") }),
    elevated: z.object({
      enabled: about(z.boolean(), "Whether named senders may run commands outside the sandbox."),
      allowFrom: about(record(names()), "Those senders, by channel."),
    }),
    loopDetection: z.object({
      enabled: about(z.boolean(), "Ends a turn that repeats the same call."),
      maxRepeats: about(positive(), "Equal calls in a row before it does."),
    }),
    agentToAgent: z.object({
      enabled: about(z.boolean(), "Whether agents may write to each other."),
      allow: about(names(), "Agents that may be written to."),
    }),
    sessions: z.object({
      visibility: about(z.enum(["self", "tree", "agent", "all"]), "Which sessions an agent's tools can see."),
    }),
    media: z
      .object({
        audio: z
          .object({
            enabled: about(z.boolean().default(true), "Whether voice messages are written down."),
            model: about(z.string().optional(), "Model that does it."),
            command: about(names().optional(), "Program and arguments that do it; {file} is the file."),
          })
          .optional(),
      })
      .optional(),
  });
}

/** The part that an agent, a provider, a channel or a sender can narrow. */
export function toolPolicyShape() {
  return {
    profile: about(z.enum(toolProfiles).optional(), "A named set to start from."),
    allow: about(names().optional(), "Tools and groups that may be used; absent is all of the profile."),
    alsoAllow: about(names().optional(), "Added to the profile."),
    deny: about(names().optional(), "Never used, whatever else allows them."),
  };
}

/** How an agent may be held tighter with commands: of this and `tools.exec` the stricter holds. */
export function agentExecSchema() {
  return z.object({
    security: about(z.enum(["deny", "allowlist", "full"]).optional(), "Whether its commands may run."),
    ask: about(z.enum(["off", "on-miss", "always"]).optional(), "When a person is asked first."),
  });
}
