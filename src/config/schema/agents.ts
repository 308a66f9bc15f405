/** `agents`: what every agent has, and the agents that differ from it. */
import * as z from "zod";
import { count, duration, filePath, modelReference, names, positive, record } from "./leaf.ts";
import { agentSandboxSchema } from "./sandbox.ts";
import { toolPolicyShape } from "./tools.ts";

export function agentsSchema() {
  return z.object({
    defaults: defaultsSchema(),
    list: z
      .array(agentSchema())
      .meta({ alsoAccepts: { type: "object" } })
      .describe("The agents. As `agents.entries`, an object of id and settings, it means the same."),
  });
}

function defaultsSchema() {
  return z.object({
    model: z
      .object({
        primary: modelReference().optional().describe("Model that answers; without one, the first that is found."),
        fallbacks: z.array(modelReference()).describe("Models tried in this order where the first fails."),
      })
      .meta({ alsoAccepts: { type: "string" } })
      .describe("Which model answers; a plain reference means the primary one."),
    imageModel: modelReference().optional().describe("Model for pictures where the primary one cannot see."),
    models: record(
      z.object({
        alias: z.string().optional().describe("Short name that stands for the reference."),
        params: record(z.unknown()).optional().describe("Parameters sent to the provider as they are."),
      }),
    ).describe("Models that may be chosen, by reference; empty allows all."),
    timeoutSeconds: z.number().positive().describe("Longest time of one turn."),
    maxConcurrent: positive().describe("Turns at the same time, over all chats."),
    thinkingDefault: z.string().optional().describe("How much a model thinks where nobody says."),
    workspace: filePath().describe("Folder in which agents work."),
    userTimezone: z.string().optional().describe("Time zone of the person, such as Europe/Berlin."),
    contextTokens: positive().optional().describe("Upper bound of the context, below the model's own."),
    bootstrapMaxChars: count().describe("Most characters of one workspace file that go into the prompt."),
    mediaMaxMb: z.number().positive().describe("Largest file that is taken in."),
    typingIntervalSeconds: positive().describe("How often the typing sign is renewed."),
    blockStreaming: z.boolean().describe("Whether long answers are sent block by block."),
    contextPruning: contextPruningSchema(),
    compaction: compactionSchema(),
    heartbeat: heartbeatSchema(),
    subagents: z.object({
      maxConcurrent: positive().describe("Helper turns at the same time."),
      maxDepth: positive().describe("How deep helpers may start helpers."),
    }),
    sandbox: agentSandboxSchema(),
  });
}

function contextPruningSchema() {
  return z.object({
    mode: z.enum(["off", "cache-ttl", "adaptive"]).describe("When old tool results are left out of the context."),
    ttl: duration().describe("Age after which a result may be left out."),
    keepLastAssistants: count().describe("Latest answers whose tool results always stay."),
    softTrimRatio: z.number().min(0).max(1).describe("Share of the window from which results are shortened."),
    hardClearRatio: z.number().min(0).max(1).describe("Share of the window from which results are left out."),
  });
}

function compactionSchema() {
  return z.object({
    mode: z.enum(["default", "off"]).describe("Whether a long conversation is summed up."),
    reserveTokens: count().describe("Tokens kept free for the answer."),
    keepRecentTokens: count().describe("Latest tokens that stay word for word."),
    triggerRatio: z.number().min(0.1).max(1).describe("Share of the window at which it begins."),
    memoryFlush: z.boolean().describe("Whether lasting facts are saved to memory before."),
  });
}

function heartbeatSchema() {
  return z.object({
    enabled: z.boolean().describe("Whether the agent is woken on a schedule; costs a turn each time."),
    every: duration().describe("Pause between two wakes."),
    model: modelReference().optional().describe("Model of these turns."),
    prompt: z.string().optional().describe("What it is told when it wakes."),
    activeHours: z
      .object({ start: z.string().describe("HH:MM"), end: z.string().describe("HH:MM") })
      .optional()
      .describe("Time of day in which it is woken."),
  });
}

function agentSchema() {
  return z.object({
    id: z
      .string()
      .regex(/^[a-zA-Z0-9][a-zA-Z0-9_-]{0,63}$/, "expected letters, digits, - and _")
      .describe("Name in session keys."),
    name: z.string().optional().describe("Name for people."),
    default: z.boolean().optional().describe("Gets what no binding names."),
    model: modelReference()
      .meta({ alsoAccepts: { type: "object" } })
      .optional()
      .describe("Model of this agent."),
    fallbacks: z.array(modelReference()).optional().describe("Its fallbacks, instead of the common ones."),
    workspace: filePath().optional().describe("Its own folder."),
    thinkingDefault: z.string().optional().describe("How much it thinks where nobody says."),
    instructions: z.string().optional().describe("Put into its prompt."),
    identity: z
      .object({
        name: z.string().optional().describe("What it calls itself."),
        emoji: z.string().optional().describe("Its sign."),
        avatar: z.string().optional().describe("Address of its picture."),
      })
      .optional(),
    skills: names().optional().describe("Skills it may use; absent is all."),
    groupChat: z.object({ mentionPatterns: names().default([]).describe("Words that mean this agent.") }).optional(),
    heartbeat: heartbeatSchema().partial().optional(),
    subagents: z.object({ allowAgents: names().default([]).describe("Agents it may start.") }).optional(),
    sandbox: agentSandboxSchema().partial().optional(),
    tools: z.object(toolPolicyShape()).optional(),
  });
}
