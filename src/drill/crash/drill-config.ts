/**
 * The configuration of a drill: the user's own, with every channel replaced by emulated accounts and every provider by the
 * model emulator. Sections that reach other places are left out, and no secret of the user's is taken along. Pure.
 */
import type { Streaming } from "../../domain/delivery-policy.ts";
import { AppError } from "../../domain/app-error.ts";

export interface DrillAccount {
  readonly name: string;
  readonly token: string;
  readonly streaming: Streaming;
}

export interface DrillSurroundings {
  readonly telegramUrl: string;
  readonly modelUrl: string;
  /** Stands for every key of a provider; seen anywhere else it has leaked. */
  readonly modelKey: string;
  readonly accounts: readonly DrillAccount[];
  /** Chats of groups that nobody may be answered in. */
  readonly closedGroups: readonly string[];
  /** A drill that looks for leaks wants to see everything; one that measures, what an ordinary gateway writes. */
  readonly logLevel: "debug" | "info";
  /** Any other value is a change of the configuration that changes nothing else. */
  readonly timeoutSeconds: number;
}

/** Price of a token in micro-dollars, the same for every model of a drill. */
export const drillPrice = Object.freeze({ input: 1, output: 2, cacheRead: 0, cacheWrite: 0 });

/** Sections that say how messages are treated. The others name places, people and machines. */
const keptSections = ["agents", "session", "messages", "commands", "routing", "bindings"] as const;

/** Throws SEC_005 where a secret of the user's would be in it. */
export function drillConfig(
  written: unknown,
  secrets: readonly string[],
  surroundings: DrillSurroundings,
): Record<string, unknown> {
  const source = isRecord(written) ? written : {};
  const kept = Object.fromEntries(keptSections.flatMap((name) => (name in source ? [[name, source[name]]] : [])));
  const providers = providersOf(source, surroundings);
  const config = {
    ...kept,
    session: { dmScope: "per-account-channel-peer", ...recordOf(kept["session"]) },
    logging: { level: surroundings.logLevel },
    agents: agentsOf(recordOf(kept["agents"]), new Set(Object.keys(providers)), surroundings),
    models: { mode: "replace", providers },
    channels: { telegram: telegramOf(surroundings) },
  };
  const text = JSON.stringify(config);
  if (secrets.some((secret) => secret !== "" && text.includes(secret)))
    throw new AppError("SEC_005", "A secret of the configuration would be taken along into the drill.");
  return config;
}

const ownModel = { id: "drill-1", name: "drill", contextWindow: 128_000, maxTokens: 4_096, cost: drillPrice };

function providersOf(
  source: Record<string, unknown>,
  { modelUrl, modelKey }: DrillSurroundings,
): Record<string, unknown> {
  const written = recordOf(recordOf(source["models"])["providers"]);
  const copied = Object.entries(written).flatMap(([name, value]) => {
    const { api, models } = recordOf(value);
    const path = pathOf(api);
    if (path === null) return [];
    const priced = Array.isArray(models) ? models.map((model) => ({ ...recordOf(model), cost: drillPrice })) : [];
    return [[name, { api, baseUrl: `${modelUrl}${path}`, apiKey: modelKey, models: priced }]];
  });
  const own = { api: "openai-completions", baseUrl: `${modelUrl}/v1`, apiKey: modelKey, models: [ownModel] };
  return { ...Object.fromEntries(copied), drill: own };
}

/** Where the model emulator speaks a protocol; null for one that it does not. */
function pathOf(api: unknown): string | null {
  switch (api) {
    case "openai-completions":
    case "openai-responses":
    case "anthropic-messages":
      return "/v1";
    case "google-generative-ai":
      return "/v1beta";
    case "ollama":
      return "";
    default:
      return null;
  }
}

/** A model of a provider that the drill does not have is the drill's own: it would be asked at its real address. */
function agentsOf(
  agents: Record<string, unknown>,
  providers: ReadonlySet<string>,
  { timeoutSeconds }: DrillSurroundings,
): Record<string, unknown> {
  const defaults = recordOf(agents["defaults"]);
  const { workspace: _folder, model, imageModel: _image, models: _known, ...rest } = defaults;
  const primary = typeof model === "string" ? model : recordOf(model)["primary"];
  const isKnown = typeof primary === "string" && providers.has(primary.split("/")[0] ?? "");
  const list = Array.isArray(agents["list"]) ? agents["list"].map(withoutPlaces) : [];
  return {
    defaults: { ...rest, timeoutSeconds, model: { primary: isKnown ? primary : "drill/drill-1", fallbacks: [] } },
    ...(list.length === 0 ? {} : { list }),
  };
}

function withoutPlaces(agent: unknown): Record<string, unknown> {
  const { workspace: _folder, model: _model, fallbacks: _fallbacks, sandbox: _sandbox, ...rest } = recordOf(agent);
  return rest;
}

function telegramOf({ telegramUrl, accounts, closedGroups }: DrillSurroundings): Record<string, unknown> {
  const closed = closedGroups.map((chatId) => [chatId, { enabled: false }]);
  return {
    apiRoot: telegramUrl,
    dmPolicy: "open",
    allowFrom: ["*"],
    groupPolicy: "open",
    groups: { "*": { requireMention: true }, ...Object.fromEntries(closed) },
    // Two paragraphs are two messages: a crash between them is worth having.
    chunkMode: "paragraph",
    // So small that each paragraph is a block.
    blockStreaming: { minChars: 8, maxChars: 24 },
    accounts: Object.fromEntries(accounts.map(({ name, token, streaming }) => [name, { botToken: token, streaming }])),
  };
}

function recordOf(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
