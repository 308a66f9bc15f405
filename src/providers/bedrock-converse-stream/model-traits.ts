/**
 * What the models behind Bedrock take and refuse, by the names in their ids: Converse gives them one shape of request
 * and then refuses what the model itself would. An id may carry a profile (`us.`, `global.`), an ARN says nothing, and
 * then the name that the configuration gives the model is looked at.
 */
import type { ModelInfo } from "../../domain/conversation.ts";

export interface ModelTraits {
  readonly family: "claude" | "nova" | "gpt-oss" | "other";
  /** Takes markers up to which the prompt is cached. */
  readonly caches: boolean;
  /** How thinking is asked for: a budget of tokens, or an effort that the model spends as it sees fit. */
  readonly thinks: "budget" | "adaptive" | "effort" | "no";
  /** Thinking cannot be switched off. */
  readonly alwaysThinks: boolean;
  readonly sampling: boolean;
  /** Can be made to call a tool. */
  readonly forcedTools: boolean;
  /** Binds an answer to a JSON Schema. */
  readonly schemas: boolean;
}

export function traitsOf(model: Pick<ModelInfo, "id" | "name">): ModelTraits {
  const name = `${model.id} ${model.name}`.toLowerCase();
  const version = claudeVersion(name);
  if (version !== null) return claudeTraits(name, version);
  const isNova = /(^|[ .])nova-|amazon\.nova/.test(name);
  const isGptOss = name.includes("gpt-oss");
  return {
    family: isNova ? "nova" : isGptOss ? "gpt-oss" : "other",
    caches: isNova,
    thinks: isGptOss || name.includes("nova-2") ? "effort" : "no",
    alwaysThinks: false,
    sampling: true,
    forcedTools: isNova || name.includes("mistral"),
    schemas: false,
  };
}

/** 4.5 as 405; null where it is no Claude. A date behind the name is no version. */
function claudeVersion(name: string): number | null {
  const match = /claude-[a-z]+-(\d+)(?:-(\d{1,2}))?(?!\d)/.exec(name) ?? /claude-(\d)(?:-(\d))?-[a-z]/.exec(name);
  if (match !== null) return Number(match[1]) * 100 + Number(match[2] ?? 0);
  return name.includes("anthropic.claude") ? 200 : null;
}

function claudeTraits(name: string, version: number): ModelTraits {
  const isFable = /claude-(fable|mythos)/.test(name);
  const isTopTier = /claude-(opus|sonnet)/.test(name);
  const thinks = version >= 406 ? "adaptive" : version >= 307 ? "budget" : "no";
  return {
    family: "claude",
    caches: version >= 307 || name.includes("claude-3-5-haiku"),
    thinks,
    alwaysThinks: isFable || (isTopTier && version >= 505),
    sampling: version < 407,
    forcedTools: !((isFable && version >= 501) || (isTopTier && version >= 505)),
    // Haiku 5.5 is refused a schema by Bedrock, though not by its maker.
    schemas: version >= 405 && !(/claude-haiku/.test(name) && version >= 505),
  };
}
