/** `agents`: what every agent has, and the agents that differ from it. */
import * as z from "zod";
import { about, count, duration, filePath, modelReference, names, positive, record } from "./leaf.ts";
import { agentSandboxSchema } from "./sandbox.ts";
import { agentExecSchema, toolPolicyShape } from "./tools.ts";

export function agentsSchema() {
  return z.object({
    defaults: defaultsSchema(),
    list: about(
      z.array(agentSchema()).meta({ alsoAccepts: { type: "object" } }),
      "The agents. As `agents.entries`, an object of id and settings, it means the same.",
    ),
  });
}

function defaultsSchema() {
  return z.object({
    model: about(
      z
        .object({
          primary: about(modelReference().optional(), "Model that answers; without one, the first that is found."),
          fallbacks: about(z.array(modelReference()), "Models tried in this order where the first fails."),
          fallbackOn: about(
            z.array(z.enum(["rate-limit", "on-error", "auth", "context-overflow", "always"])),
            "Failures that lead to a fallback: rate-limit (limit or credit used up), on-error (the provider or its answer is broken), auth (the key is refused), context-overflow, always (also what a safety filter blocked); empty uses none.",
          ),
        })
        .meta({ alsoAccepts: { type: "string" } }),
      "Which model answers; a plain reference means the primary one.",
    ),
    imageModel: about(modelReference().optional(), "Model for pictures where the primary one cannot see."),
    models: about(
      record(
        z.object({
          alias: about(z.string().optional(), "Short name that stands for the reference."),
          params: about(record(z.unknown()).optional(), "Parameters sent to the provider as they are."),
        }),
      ),
      "Models that may be chosen, by reference; empty allows all.",
    ),
    timeoutSeconds: about(z.number().positive(), "Longest time of one turn."),
    maxConcurrent: about(positive(), "Turns at the same time, over all chats."),
    thinkingDefault: about(z.string().optional(), "How much a model thinks where nobody says."),
    workspace: about(filePath(), "Folder in which agents work."),
    userTimezone: about(z.string().optional(), "Time zone of the person, such as Europe/Berlin."),
    contextTokens: about(positive().optional(), "Upper bound of the context, below the model's own."),
    bootstrapMaxChars: about(count(), "Most characters of one workspace file that go into the prompt."),
    mediaMaxMb: about(z.number().positive(), "Largest file that is taken in."),
    typingIntervalSeconds: about(positive(), "How often the typing sign is renewed."),
    blockStreaming: about(z.boolean(), "Whether long answers are sent block by block."),
    contextPruning: contextPruningSchema(),
    compaction: compactionSchema(),
    heartbeat: heartbeatSchema(),
    subagents: z.object({
      maxConcurrent: about(positive(), "Helper turns at the same time."),
      maxDepth: about(positive(), "How deep helpers may start helpers."),
    }),
    sandbox: agentSandboxSchema(),
  });
}

function contextPruningSchema() {
  return z.object({
    mode: about(z.enum(["off", "cache-ttl", "adaptive"]), "When old tool results are left out of the context."),
    ttl: about(duration(), "Age after which a result may be left out."),
    keepLastAssistants: about(count(), "Latest answers whose tool results always stay."),
    softTrimRatio: about(z.number().min(0).max(1), "Share of the window from which results are shortened."),
    hardClearRatio: about(z.number().min(0).max(1), "Share of the window from which results are left out."),
  });
}

function compactionSchema() {
  return z.object({
    mode: about(z.enum(["default", "off"]), "Whether a long conversation is summed up."),
    reserveTokens: about(count(), "Tokens kept free for the answer."),
    keepRecentTokens: about(count(), "Latest tokens that stay word for word."),
    triggerRatio: about(z.number().min(0.1).max(1), "Share of the window at which it begins."),
    memoryFlush: about(z.boolean(), "Whether lasting facts are saved to memory before."),
  });
}

function heartbeatSchema() {
  return z.object({
    enabled: about(z.boolean(), "Whether the agent is woken on a schedule; costs a turn each time."),
    every: about(duration(), "Pause between two wakes."),
    model: about(modelReference().optional(), "Model of these turns."),
    prompt: about(z.string().optional(), "What it is told when it wakes."),
    activeHours: about(
      z.object({ start: about(z.string(), "HH:MM"), end: about(z.string(), "HH:MM") }).optional(),
      "Time of day in which it is woken.",
    ),
  });
}

function agentSchema() {
  return z.object({
    id: about(
      z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_-]{0,63}$/, "expected letters, digits, - and _"),
      "Name in session keys.",
    ),
    name: about(z.string().optional(), "Name for people."),
    default: about(z.boolean().optional(), "Gets what no binding names."),
    model: about(
      modelReference()
        .meta({ alsoAccepts: { type: "object" } })
        .optional(),
      "Model of this agent.",
    ),
    fallbacks: about(z.array(modelReference()).optional(), "Its fallbacks, instead of the common ones."),
    workspace: about(filePath().optional(), "Its own folder."),
    thinkingDefault: about(z.string().optional(), "How much it thinks where nobody says."),
    instructions: about(z.string().optional(), "Put into its prompt."),
    identity: z
      .object({
        name: about(z.string().optional(), "What it calls itself."),
        emoji: about(z.string().optional(), "Its sign."),
        avatar: about(z.string().optional(), "Address of its picture."),
      })
      .optional(),
    skills: about(names().optional(), "Skills it may use; absent is all."),
    groupChat: z.object({ mentionPatterns: about(names().default([]), "Words that mean this agent.") }).optional(),
    heartbeat: heartbeatSchema().partial().optional(),
    subagents: z.object({ allowAgents: about(names().default([]), "Agents it may start.") }).optional(),
    sandbox: agentSandboxSchema().partial().optional(),
    tools: z.object({ ...toolPolicyShape(), exec: agentExecSchema().optional() }).optional(),
  });
}
