/** What is amiss with the models: none at all, names in the configuration that are nobody's, logins that were refused. */
import type { modelsList } from "../../protocol/methods/agent.ts";
import type { configGet } from "../../protocol/methods/config.ts";
import type { ResultOf } from "../../protocol/method.ts";
import type { GatewayClient } from "../gateway-client.ts";
import type { Finding } from "./finding.ts";

type Listed = ResultOf<typeof modelsList>["models"][number];

export async function modelFindings(client: Pick<GatewayClient, "call">): Promise<readonly Finding[]> {
  const { models } = await client.call<typeof modelsList>("models.list", {});
  const { config } = await client.call<typeof configGet>("config.get", {});
  return [countFinding(models), ...unknownNames(models, config as NamedModels), ...spentLogins(models)];
}

function countFinding(models: readonly Listed[]): Finding {
  const usable = models.filter((model) => model.available);
  const finding = (verdict: Finding["verdict"], text: string, remedy: string | null = null): Finding => ({
    check: "models",
    verdict,
    text,
    remedy,
  });
  if (usable.length === 0) {
    return finding("bad", "none can be used.", "Set a provider's key, or configure models.providers.");
  }
  if (usable.every((model) => model.provider === "demo")) {
    return finding(
      "weak",
      "only the demo model: no provider was found.",
      "Set OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY or OPENROUTER_API_KEY, or run Ollama, and restart.",
    );
  }
  const unpriced = usable.filter((model) => model.cost === null).length;
  return finding("good", `${usable.length} can be used${unpriced === 0 ? "" : `, ${unpriced} without a known price`}`);
}

/** The part of the configuration that names models. */
interface NamedModels {
  readonly agents?: {
    readonly defaults?: { readonly model?: { readonly primary?: string; readonly fallbacks?: readonly string[] } };
    readonly list?: readonly {
      readonly id?: string;
      readonly model?: string;
      readonly fallbacks?: readonly string[];
    }[];
  };
  readonly router?: { readonly enabled?: boolean; readonly tiers?: Readonly<Record<string, string>> };
}

/** Such a fallback or tier is left out in silence where it would be needed. Aliases are the configuration's own check. */
function unknownNames(models: readonly Listed[], { agents, router }: NamedModels): readonly Finding[] {
  const { primary, fallbacks = [] } = agents?.defaults?.model ?? {};
  const named: (readonly [string, string | undefined])[] = [
    ["agents.defaults.model.primary", primary],
    ...fallbacks.map((name, index) => [`agents.defaults.model.fallbacks[${index}]`, name] as const),
    ...(agents?.list ?? []).flatMap((agent, at) => [
      [`agents.list[${at}].model`, agent.model] as const,
      ...(agent.fallbacks ?? []).map((name, index) => [`agents.list[${at}].fallbacks[${index}]`, name] as const),
    ]),
    ...(router?.enabled === true ? Object.entries(router.tiers ?? {}) : []).map(
      ([tier, name]) => [`router.tiers.${tier}`, name] as const,
    ),
  ];
  const known = new Set(models.map(({ provider, id }) => `${provider}/${id}`));
  return named.flatMap(([path, name]) =>
    name === undefined || !name.includes("/") || known.has(name)
      ? []
      : [
          {
            check: "models",
            verdict: "weak" as const,
            text: `${path} names ${name}, and there is no such model.`,
            remedy: "See what there is with openclaw models list.",
          },
        ],
  );
}

/** Of those that a person has to do something about; what cools down comes back by itself. */
function spentLogins(models: readonly Listed[]): readonly Finding[] {
  const words: Partial<Record<Listed["authState"], string>> = {
    refused: "the key was refused",
    "no-credit": "there is no credit left",
    expired: "the login has ended",
  };
  const seen = new Set<string>();
  return models.flatMap(({ provider, authState }) => {
    const what = words[authState];
    if (what === undefined || seen.has(provider)) return [];
    seen.add(provider);
    const remedy = `Give it a new one with openclaw models auth add ${provider}, or, if it is right after all: openclaw models retry ${provider}`;
    return [{ check: "models", verdict: "weak" as const, text: `${provider}: ${what}.`, remedy }];
  });
}
