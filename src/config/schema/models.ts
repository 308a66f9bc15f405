/** `models`: the providers and what their models can do and cost. Prices are USD per million tokens. */
import * as z from "zod";
import { about, names, positive, record, secret } from "./leaf.ts";

const modelApi = [
  "openai-completions",
  "openai-responses",
  "anthropic-messages",
  "google-generative-ai",
  "bedrock-converse-stream",
  "ollama",
  "openrouter",
  "github-copilot",
  "demo",
] as const;

export function modelsSchema() {
  return z.object({
    mode: about(
      z.enum(["merge", "replace"]),
      "Whether the providers below stand beside the detected ones or instead of them.",
    ),
    providers: about(
      record(providerSchema()),
      "Providers by the name that stands before the slash of a model reference.",
    ),
  });
}

function providerSchema() {
  return z.object({
    baseUrl: about(
      z.url({ protocol: /^https?$/, error: "expected an http or https address" }).optional(),
      "Address of the API.",
    ),
    apiKey: about(secret().optional(), "Key of the API."),
    api: about(z.enum(modelApi), "Wire protocol."),
    headers: about(record(secret()).default({}), "Headers sent with every request."),
    models: about(z.array(modelSchema()).default([]), "Models of this provider."),
  });
}

function modelSchema() {
  const price = () => z.number().nonnegative();
  return z.object({
    id: about(z.string().min(1), "The provider's own name of the model."),
    name: about(z.string().optional(), "Name for people."),
    reasoning: about(z.boolean().default(false), "Whether it can think before it answers."),
    input: about(z.array(z.enum(["text", "image", "document"])).default(["text"]), "What it can read."),
    contextWindow: about(positive().optional(), "Tokens that fit into one request and its answer."),
    maxTokens: about(positive().optional(), "Tokens of the longest answer."),
    cost: z
      .object({
        input: about(price(), "USD per million tokens read."),
        output: about(price(), "USD per million tokens written."),
        cacheRead: about(price().default(0), "USD per million tokens read from the provider's cache."),
        cacheWrite: about(price().default(0), "USD per million tokens written to it."),
      })
      .optional(),
    tags: about(names().optional(), "The person's own words for it."),
  });
}
