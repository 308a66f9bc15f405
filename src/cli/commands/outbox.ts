/** `openclaw outbox`: what waits to be said, and a person's word about it. */
import type { Command } from "commander";
import { Option } from "commander";
import type { ParamsOf } from "../../protocol/method.ts";
import { partStates, type outboxList, type outboxResolve } from "../../protocol/methods/outbox.ts";
import { withConnection, withGateway } from "../connect-options.ts";
import type { CliContext, ConnectOptions } from "../contract.ts";
import { excerptOf, momentOf } from "../shown-rows.ts";
import { wholeNumber } from "../typed-value.ts";

interface ListOptions extends ConnectOptions {
  readonly state?: (typeof partStates)[number];
  readonly limit: string;
}

export function register(program: Command, context: CliContext): void {
  const outbox = program.command("outbox").description("Look at what waits to be said, and decide about it");
  withConnection(outbox.command("list", { isDefault: true }).description("List parts, the latest first"))
    .addOption(
      new Option("--state <state>", "parts in this state; without it, those that wait for you").choices(partStates),
    )
    .option("-n, --limit <count>", "how many", "50")
    .action((options: ListOptions) => list(options, context));
  withConnection(outbox.command("approve").description("Let a held part go out"))
    .argument("<id>")
    .action((id: string, options: ConnectOptions) => decide("outbox.approve", { id }, options, context));
  withConnection(outbox.command("deny").description("End a held part unsent"))
    .argument("<id>")
    .option("--reason <text>", "why; it stands in the trace")
    .action((id: string, { reason, ...options }: ConnectOptions & { reason?: string }) =>
      decide("outbox.deny", { id, ...(reason === undefined ? {} : { reason }) }, options, context),
    );
  withConnection(outbox.command("resolve").description("Say what became of a part in doubt"))
    .argument("<id>")
    .addOption(
      new Option("--as <outcome>", "it is to be sent again, it arrived, or it is given up")
        .choices(["resend", "sent", "drop"])
        .makeOptionMandatory(),
    )
    .action((id: string, { as, ...options }: ConnectOptions & { as: string }) =>
      decide("outbox.resolve", { id, as }, options, context),
    );
}

async function list(options: ListOptions, context: CliContext): Promise<void> {
  const params: ParamsOf<typeof outboxList> = {
    limit: wholeNumber(options.limit, "--limit"),
    ...(options.state === undefined ? {} : { state: options.state }),
  };
  await withGateway(options, context, async (client) => {
    const { output } = context;
    const page = await client.call<typeof outboxList>("outbox.list", params);
    output.result(page, ({ state, parts }) => {
      if (parts.length === 0) return state === null ? "nothing waits for you" : `no ${state} parts`;
      const rows = parts.map((part) => [
        momentOf(part.createdMs),
        part.state,
        part.id,
        `${part.channel}/${part.accountId} ${part.chatId}`,
        part.error?.message ?? "",
        excerptOf(part.text),
      ]);
      return output.table(["MADE (UTC)", "STATE", "ID", "CHAT", "ERROR", "TEXT"], rows);
    });
  });
}

async function decide(
  method: string,
  params: Readonly<Record<string, unknown>>,
  options: ConnectOptions,
  context: CliContext,
): Promise<void> {
  await withGateway(options, context, async (client) => {
    const answer = await client.call<typeof outboxResolve>(method, params);
    const late = answer.outcome === "already-decided";
    context.output.result(answer, ({ outcome, state }) => (late ? `already decided: it is ${state}` : outcome));
    if (late) context.exit(1);
  });
}
