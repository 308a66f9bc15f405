/** `openclaw budget`: what may be spent and what is left of it, and more of it where an owner says so. */
import type { Command } from "commander";
import { Option } from "commander";
import { AppError } from "../../domain/app-error.ts";
import { purseKinds, type PurseKind } from "../../domain/purse.ts";
import type { ParamsOf, ResultOf } from "../../protocol/method.ts";
import type { budgetAllow, budgetGet, budgetSet, budgetSettle } from "../../protocol/methods/budget.ts";
import { withConnection, withGateway } from "../connect-options.ts";
import type { CliContext, ConnectOptions } from "../contract.ts";
import { patiently } from "../patiently.ts";
import type { Output } from "../output.ts";
import { momentOf } from "../shown-rows.ts";

interface SetOptions extends ConnectOptions {
  readonly day?: string;
  readonly month?: string;
}

export function register(program: Command, context: CliContext): void {
  const budget = program.command("budget").description("Look at budgets, set them, and allow more");
  withConnection(budget.command("show", { isDefault: true }).description("Show what every budget has left")).action(
    (options: ConnectOptions) => show(options, context),
  );
  withConnection(budget.command("set").description("Set a limit in the configuration, or remove it"))
    .argument("<whose>", "global, agent:ID, user:CHANNEL:SENDER, chat:KEY or job:ID; * as ID is whoever has none")
    .addOption(new Option("--day <usd>", "most in a day, in dollars; none removes the limit"))
    .addOption(new Option("--month <usd>", "most in a month"))
    .action((whose: string, options: SetOptions) => set(whose, options, context));
  withConnection(budget.command("allow").description("Allow more for the rest of a day or month"))
    .argument("<id>", "of the question, as the chat and budget show name it")
    .option("--usd <amount>", "how much more, in dollars; without it what was proposed")
    .action((id: string, { usd, ...options }: ConnectOptions & { usd?: string }) =>
      decide("budget.allow", { id, ...(usd === undefined ? {} : { usd: amountOf(usd, "--usd") }) }, options, context),
    );
  withConnection(budget.command("deny").description("Allow no more"))
    .argument("<id>")
    .action((id: string, options: ConnectOptions) => decide("budget.deny", { id }, options, context));
  withConnection(budget.command("settle").description("Say what a call cost that was lost in a crash"))
    .argument("<id>", "of the call, as budget show lists it")
    .requiredOption("--cost <usd>", "in dollars; 0 where it was not billed")
    .action((id: string, { cost, ...options }: ConnectOptions & { cost: string }) =>
      settle({ id, usd: amountOf(cost, "--cost") }, options, context),
    );
}

async function show(options: ConnectOptions, context: CliContext): Promise<void> {
  await withGateway(options, context, async (client) => {
    const seen = await client.call<typeof budgetGet>("budget.get", {});
    context.output.result(seen, (result) => overviewText(result, context.output));
  });
}

type Overview = ResultOf<typeof budgetGet>;

function overviewText({ pauses, purses, lost, approvals, timeZone }: Overview, output: Output): string {
  const blocks: string[] = pauses.map(
    ({ agentId, by, atMs, reason }) =>
      `${output.bold("paused")} ${agentId === null ? "all agents" : `agent ${agentId}`} since ${momentOf(atMs)} by ${by}${reason === null ? "" : `: ${reason}`}`,
  );
  if (purses.length === 0) blocks.push("no limits are set");
  else {
    const rows = purses.map((purse) => [
      purse.kind === "global" ? "global" : `${purse.kind}:${purse.id}`,
      purse.period,
      money(purse.spentUsd),
      money(purse.heldUsd),
      money(purse.limitUsd),
      purse.extraUsd === 0 ? "" : `+${money(purse.extraUsd)}`,
      momentOf(purse.untilMs),
    ]);
    blocks.push(output.table(["WHOSE", "PERIOD", "SPENT", "SET ASIDE", "LIMIT", "ALLOWED", "ENDS (UTC)"], rows));
    blocks.push(`days and months by ${timeZone}`);
  }
  if (approvals.length > 0) {
    const rows = approvals.map(({ id, kind, purse, period, proposedUsd, expiresMs }) => [
      id,
      kind === "global" ? "global" : `${kind}:${purse}`,
      period,
      money(proposedUsd),
      momentOf(expiresMs),
    ]);
    blocks.push(output.table(["ASKED", "WHOSE", "PERIOD", "PROPOSED", "UNTIL (UTC)"], rows));
    blocks.push("allow it with: openclaw budget allow <id>, or more with --usd <amount>");
  }
  if (lost.length > 0) {
    const rows = lost.map(({ id, atMs, model, usd, runId }) => [id, momentOf(atMs), model, money(usd), runId]);
    blocks.push(output.table(["LOST CALL", "AT (UTC)", "MODEL", "AT MOST", "RUN"], rows));
    blocks.push("set aside until somebody says what it cost: openclaw budget settle <id> --cost <usd>");
  }
  return blocks.join("\n\n");
}

async function set(whose: string, { day, month, ...options }: SetOptions, context: CliContext): Promise<void> {
  const target = targetOf(whose);
  const params: ParamsOf<typeof budgetSet> = {
    ...target,
    ...(day === undefined ? {} : { day: limitOf(day, "--day") }),
    ...(month === undefined ? {} : { month: limitOf(month, "--month") }),
  };
  if (day === undefined && month === undefined) throw new AppError("SYS_003", "Give --day, --month or both.");
  await withGateway(options, context, async (client) => {
    const written = await patiently(() => client.call<typeof budgetSet>("budget.set", params), context);
    const shown = (usd: number | null): string => (usd === null ? "no limit" : money(usd));
    context.output.result(written, (result) => `${whose}: ${shown(result.day)} a day, ${shown(result.month)} a month`);
  });
}

async function decide(
  method: string,
  params: Readonly<Record<string, unknown>>,
  options: ConnectOptions,
  context: CliContext,
): Promise<void> {
  await withGateway(options, context, async (client) => {
    const answer = await client.call<typeof budgetAllow>(method, params);
    const late = answer.outcome === "late";
    context.output.result(answer, ({ outcome, state, usd, replayed }) => {
      if (late) return `already decided: it is ${state}`;
      return outcome === "denied" ? "denied" : `${money(usd)} more allowed; ${replayed} waiting messages go on`;
    });
    if (late) context.exit(1);
  });
}

async function settle(
  params: ParamsOf<typeof budgetSettle>,
  options: ConnectOptions,
  context: CliContext,
): Promise<void> {
  await withGateway(options, context, async (client) => {
    const settled = await client.call<typeof budgetSettle>("budget.settle", params);
    context.output.result(settled, () => `settled at ${money(params.usd)}`);
  });
}

/** `user:telegram:123` → kind and the rest. Throws SYS_003 for anything else. */
function targetOf(whose: string): { kind: PurseKind; id?: string } {
  const colon = whose.indexOf(":");
  const kind = purseKinds.find((one) => one === (colon === -1 ? whose : whose.slice(0, colon)));
  const id = colon === -1 ? "" : whose.slice(colon + 1);
  if (kind === undefined || (kind === "global") !== (id === "")) {
    throw new AppError("SYS_003", whoseWords);
  }
  // A sender's name alone is nobody's: a limit for it would be written, shown, and apply to no one.
  if (kind === "user" && id !== "*" && !/^[^:]+:./.test(id)) throw new AppError("SYS_003", whoseWords);
  return kind === "global" ? { kind } : { kind, id };
}

const whoseWords = "Say whose: global, agent:ID, user:CHANNEL:SENDER, chat:KEY or job:ID.";

function limitOf(text: string, option: string): number | null {
  return text === "none" ? null : amountOf(text, option);
}

function amountOf(text: string, option: string): number {
  if (!/^\$?\d+(\.\d{1,6})?$/.test(text)) throw new AppError("SYS_003", `${option} takes dollars such as 2.50.`);
  return Number(text.replace("$", ""));
}

/** `$4.98`, with as many digits as a small amount needs. */
function money(usd: number): string {
  return `$${usd.toFixed(usd !== 0 && usd < 0.1 ? 4 : 2)}`;
}
