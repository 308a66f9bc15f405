/**
 * `openclaw models`: which models can be used, what they cost, why one answers or does not, and the logins at their
 * providers.
 */
import type { Command } from "commander";
import type { modelsList } from "../../protocol/methods/agent.ts";
import type { ResultOf } from "../../protocol/method.ts";
import type { modelsExplain, modelsRetry } from "../../protocol/methods/models.ts";
import { withConnection, withGateway } from "../connect-options.ts";
import type { CliContext, ConnectOptions } from "../contract.ts";
import { registerAuth } from "./models-auth.ts";

export function register(program: Command, context: CliContext): void {
  const models = program
    .command("models")
    .description("List the models that can be used, and keep logins at their providers");
  withConnection(models.command("list", { isDefault: true }).description("List the models that can be used")).action(
    (options: ConnectOptions) => listModels(options, context),
  );
  withConnection(models.command("explain").description("Show which model would answer now, and why"))
    .option("--agent <id>", "agent that would answer")
    .option("--session <key>", "session that it would answer in")
    .option("--model <name>", "model that a caller would choose")
    .option("--text <words>", "what a person would write, for the router")
    .action((options: ExplainOptions) => explain(options, context));
  withConnection(models.command("retry").description("Forget what has failed, so that it is asked again at once"))
    .argument("[provider]", "of this provider alone")
    .action((provider: string | undefined, options: ConnectOptions) => retry(provider, options, context));
  registerAuth(models, context);
}

interface ExplainOptions extends ConnectOptions {
  readonly agent?: string;
  readonly session?: string;
  readonly model?: string;
  readonly text?: string;
}

async function explain(
  { agent, session, model, text, ...options }: ExplainOptions,
  context: CliContext,
): Promise<void> {
  await withGateway(options, context, async (client) => {
    const explained = await client.call<typeof modelsExplain>("models.explain", {
      ...(agent === undefined ? {} : { agentId: agent }),
      ...(session === undefined ? {} : { sessionKey: session }),
      ...(model === undefined ? {} : { model }),
      ...(text === undefined ? {} : { text }),
    });
    context.output.result(explained, () => explanationText(explained, context));
  });
}

function explanationText(explained: ResultOf<typeof modelsExplain>, { output }: CliContext): string {
  const { considered, error, fallbackOn, tier, score } = explained;
  const rows = considered.map(({ model, profileId, verdict, step, why }) => [
    verdict,
    model,
    profileId ?? "",
    step,
    why,
  ]);
  const lines = [
    ...(rows.length === 0 ? [] : [output.table(["", "MODEL", "LOGIN", "STEP", "WHY"], rows)]),
    ...(tier === null ? [] : [`Tier: ${tier}${score === null ? "" : ` (score ${score.toFixed(2)})`}`]),
    ...(considered.length === 0
      ? []
      : [`Another model is asked on: ${fallbackOn.length === 0 ? "nothing" : fallbackOn.join(", ")}`]),
    ...(error === null ? [] : [`${error.message} (${error.code})`]),
  ];
  return lines.join("\n");
}

async function retry(provider: string | undefined, options: ConnectOptions, context: CliContext): Promise<void> {
  await withGateway(options, context, async (client) => {
    const result = await client.call<typeof modelsRetry>("models.retry", provider === undefined ? {} : { provider });
    context.output.result(result, () =>
      result.forgotten === 0 ? "Nothing had failed." : `Forgotten: ${result.forgotten}. It is asked again.`,
    );
  });
}

const authWords: Readonly<Record<ResultOf<typeof modelsList>["models"][number]["authState"], string>> = {
  ok: "ok",
  "not-needed": "",
  missing: "no key",
  expired: "expired",
  refused: "key refused",
  "no-credit": "no credit",
  "cooling-down": "cooling down",
};

async function listModels(options: ConnectOptions, context: CliContext): Promise<void> {
  const client = await context.connect(options);
  try {
    const { models } = await client.call<typeof modelsList>("models.list", {});
    context.output.result({ models }, () =>
      context.output.table(
        ["MODEL", "WINDOW", "USD PER MILLION IN / OUT", "LOGIN"],
        models.map((model) => [
          `${model.provider}/${model.id}`,
          model.contextWindow === undefined ? "unknown" : `${Math.round(model.contextWindow / 1_000)}k`,
          model.cost === null ? "unknown price" : `${model.cost.input} / ${model.cost.output}`,
          authWords[model.authState],
        ]),
      ),
    );
  } finally {
    client.close();
  }
}
