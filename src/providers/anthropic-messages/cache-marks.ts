/**
 * Where Anthropic is told to keep what it has read: behind the tools, behind the system prompt, and behind the last two
 * turns of the person's side, which tool results are too. The second to last is where the request before this one
 * ended: it is found there, and what came since is added. Pure.
 */
import type { LanguageModelV4CallOptions, SharedV4ProviderOptions } from "@ai-sdk/provider";

/** Four marks are all that the protocol takes. */
export function withCacheMarks(options: LanguageModelV4CallOptions): LanguageModelV4CallOptions {
  const { prompt, tools } = options;
  const marked = new Set([
    prompt.findLastIndex(({ role }) => role === "system"),
    ...prompt
      .flatMap(({ role }, index) => (role === "user" || role === "tool" ? [index] : []))
      // Side by side they are one turn on the wire: the later one ends it.
      .filter((index, at, all) => all[at + 1] !== index + 1)
      .slice(-2),
  ]);
  return {
    ...options,
    prompt: prompt.map((message, index) => (marked.has(index) ? withMark(message) : message)),
    ...(tools === undefined
      ? {}
      : {
          tools: tools.map((tool, index) =>
            tool.type === "function" && index === tools.length - 1 ? withMark(tool) : tool,
          ),
        }),
  };
}

const mark: SharedV4ProviderOptions = { anthropic: { cacheControl: { type: "ephemeral" } } };

function withMark<T extends { readonly providerOptions?: SharedV4ProviderOptions }>(part: T): T {
  return { ...part, providerOptions: { ...part.providerOptions, ...mark } };
}
