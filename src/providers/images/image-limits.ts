/** What each protocol's service takes of pictures, as their pages and their refusals say. One table. */
import type { ProviderEndpoint } from "../contract.ts";
import type { ImageFacts } from "./image-facts.ts";

export interface ImageLimits {
  /** Of one picture, before it is written as text. */
  readonly bytes: number;
  /** Of all pictures of a request together, likewise. */
  readonly totalBytes: number;
  /** The longest side. */
  readonly edgePixels: number;
  /** The longest side in a request of more than `manyCount` pictures. */
  readonly manyEdgePixels: number;
  readonly manyCount: number;
  /** Pictures in one request. */
  readonly count: number;
  readonly mimeTypes: readonly ImageFacts["mimeType"][];
  /** Whether pictures that move are taken; otherwise their first frame is. */
  readonly animated: boolean;
}

const mebi = 1024 * 1024;
const all = ["image/png", "image/jpeg", "image/webp", "image/gif"] as const;

/** Servers on somebody's desk say nothing of limits; their models see less than this anyway. */
const compatible: ImageLimits = {
  bytes: 15 * mebi,
  totalBytes: 35 * mebi,
  edgePixels: 8_000,
  manyEdgePixels: 8_000,
  manyCount: 500,
  count: 500,
  mimeTypes: all,
  animated: false,
};

/** Anthropic counts five MiB of text, which is three quarters of that in bytes; 8000 pixels, or 2000 of more than twenty. */
const anthropic: ImageLimits = {
  bytes: Math.floor(3.75 * mebi),
  totalBytes: 22 * mebi,
  edgePixels: 8_000,
  manyEdgePixels: 2_000,
  manyCount: 20,
  count: 100,
  mimeTypes: all,
  animated: true,
};

const limitsByApi: Readonly<Record<ProviderEndpoint["api"], ImageLimits>> = {
  "openai-completions": compatible,
  "openai-responses": compatible,
  "anthropic-messages": anthropic,
  // Twenty a message; the newest twenty are seen.
  "bedrock-converse-stream": { ...anthropic, totalBytes: 14 * mebi, count: 20 },
  // Twenty megabytes for the whole body, as text; no animation, no GIF.
  "google-generative-ai": {
    ...compatible,
    bytes: 10 * mebi,
    totalBytes: 14 * mebi,
    count: 100,
    mimeTypes: ["image/png", "image/jpeg", "image/webp"],
  },
  // Whichever service is behind it: the narrowest of them.
  openrouter: { ...anthropic, animated: false },
  "github-copilot": { ...anthropic, count: 20, animated: false },
  ollama: { ...compatible, mimeTypes: ["image/png", "image/jpeg"] },
  demo: compatible,
};

/** Servers of OpenAI's protocol that take less than it. */
const limitsByHost: Readonly<Record<string, Partial<ImageLimits>>> = {
  "api.groq.com": { bytes: 3 * mebi, totalBytes: 14 * mebi, edgePixels: 5_700, manyEdgePixels: 5_700, count: 5 },
  "api.mistral.ai": { bytes: 7 * mebi, count: 8 },
  "api.x.ai": { bytes: 14 * mebi, mimeTypes: ["image/png", "image/jpeg"] },
};

export function imageLimitsOf({ api, baseUrl }: Pick<ProviderEndpoint, "api" | "baseUrl">): ImageLimits {
  const host = baseUrl === null ? undefined : URL.parse(baseUrl)?.hostname;
  const narrower = host !== undefined && Object.hasOwn(limitsByHost, host) ? limitsByHost[host] : undefined;
  return { ...limitsByApi[api], ...narrower };
}

/**
 * For a service that refused pictures which the table thought good: what every service takes, and what a model makes
 * of a picture anyway.
 */
export function stricterImageLimits(limits: ImageLimits): ImageLimits {
  return {
    ...limits,
    bytes: Math.min(limits.bytes, mebi),
    totalBytes: Math.min(limits.totalBytes, 8 * mebi),
    edgePixels: Math.min(limits.edgePixels, 1_568),
    manyEdgePixels: Math.min(limits.manyEdgePixels, 1_568),
    animated: false,
  };
}
