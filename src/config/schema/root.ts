/** The whole configuration as one schema. Each domain's part stands in a file of its own beside this one. */
import { z } from "zod";

const modelApi = z.enum([
  "openai-completions",
  "openai-responses",
  "anthropic-messages",
  "google-generative-ai",
  "bedrock-converse-stream",
  "ollama",
  "demo",
]);

export const configSchema = z.object({
  gateway: z.object({
    port: z.number().int().min(0).max(65_535),
    bind: z.enum(["loopback", "lan", "tailnet", "auto"]),
    host: z.string().optional(),
    auth: z.object({
      mode: z.enum(["token", "password", "none"]),
      token: z.string().optional(),
      password: z.string().optional(),
      trustLoopback: z.boolean(),
    }),
    trustedProxies: z.array(z.string()),
    http: z.object({
      endpoints: z.object({
        chatCompletions: z.object({ enabled: z.boolean() }),
        responses: z.object({ enabled: z.boolean() }),
      }),
    }),
    controlUi: z.object({ enabled: z.boolean(), allowedOrigins: z.array(z.string()) }),
  }),
  models: z.object({
    providers: z.record(
      z.string(),
      z.object({
        baseUrl: z.string().optional(),
        apiKey: z.string().optional(),
        api: modelApi,
        headers: z.record(z.string(), z.string()),
        models: z.array(
          z.object({
            id: z.string(),
            name: z.string().optional(),
            reasoning: z.boolean(),
            input: z.array(z.enum(["text", "image", "document"])),
            contextWindow: z.number().int().positive().optional(),
            maxTokens: z.number().int().positive().optional(),
            cost: z
              .object({ input: z.number(), output: z.number(), cacheRead: z.number(), cacheWrite: z.number() })
              .optional(),
          }),
        ),
      }),
    ),
  }),
  agents: z.object({
    defaults: z.object({
      model: z.object({ primary: z.string().optional(), fallbacks: z.array(z.string()) }),
      timeoutSeconds: z.number().positive(),
      maxConcurrent: z.number().int().positive(),
      thinkingDefault: z.string().optional(),
      workspace: z.string(),
    }),
    list: z.array(
      z.object({
        id: z.string(),
        name: z.string().optional(),
        default: z.boolean().optional(),
        model: z.string().optional(),
      }),
    ),
  }),
  channels: z.record(z.string(), z.record(z.string(), z.unknown())),
  bindings: z.array(
    z.object({
      agentId: z.string(),
      match: z.object({ channel: z.string(), accountId: z.string().optional(), peer: z.string().optional() }),
    }),
  ),
  session: z.object({
    mainKey: z.string(),
    dmScope: z.enum(["main", "per-peer", "per-channel-peer", "per-account-channel-peer"]),
  }),
  logging: z.object({
    level: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]),
    consoleLevel: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]),
    file: z.string(),
  }),
});

export type Config = z.output<typeof configSchema>;
