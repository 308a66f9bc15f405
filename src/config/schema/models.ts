/** `models`: the providers and what their models can do and cost. Prices are USD per million tokens. */
import * as z from "zod";
import { names, positive, record, secret } from "./leaf.ts";

const modelApi = [
  "openai-completions",
  "openai-responses",
  "anthropic-messages",
  "google-generative-ai",
  "bedrock-converse-stream",
  "ollama",
  "demo",
] as const;

export function modelsSchema() {
  return z.object({
    mode: z
      .enum(["merge", "replace"])
      .describe("Whether the providers below stand beside the detected ones or instead of them."),
    providers: record(providerSchema()).describe(
      "Providers by the name that stands before the slash of a model reference.",
    ),
  });
}

function providerSchema() {
  return z.object({
    baseUrl: z
      .url({ protocol: /^https?$/, error: "expected an http or https address" })
      .optional()
      .describe("Address of the API."),
    apiKey: secret().optional().describe("Key of the API."),
    api: z.enum(modelApi).describe("Wire protocol."),
    headers: record(secret()).default({}).describe("Headers sent with every request."),
    models: z.array(modelSchema()).default([]).describe("Models of this provider."),
  });
}

function modelSchema() {
  const price = () => z.number().nonnegative();
  return z.object({
    id: z.string().min(1).describe("The provider's own name of the model."),
    name: z.string().optional().describe("Name for people."),
    reasoning: z.boolean().default(false).describe("Whether it can think before it answers."),
    input: z
      .array(z.enum(["text", "image", "document"]))
      .default(["text"])
      .describe("What it can read."),
    contextWindow: positive().optional().describe("Tokens that fit into one request and its answer."),
    maxTokens: positive().optional().describe("Tokens of the longest answer."),
    cost: z
      .object({
        input: price().describe("USD per million tokens read."),
        output: price().describe("USD per million tokens written."),
        cacheRead: price().default(0).describe("USD per million tokens read from the provider's cache."),
        cacheWrite: price().default(0).describe("USD per million tokens written to it."),
      })
      .optional(),
    tags: names().optional().describe("The person's own words for it."),
  });
}
