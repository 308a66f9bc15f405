/** `openclaw usage`: what was used and what it cost, by whatever side; and what another installation spent before. */
import type { Command } from "commander";
import { AppError } from "../../domain/app-error.ts";
import type { ResultOf } from "../../protocol/method.ts";
import type { SessionCostSummary, sessionsUsage } from "../../protocol/methods/session-usage.ts";
import { usageGroups, type usageCheck, type usageCost, type usageImport } from "../../protocol/methods/usage.ts";
import { withConnection, withGateway } from "../connect-options.ts";
import type { CliContext, ConnectOptions } from "../contract.ts";
import { facts, momentOf } from "../shown-rows.ts";
import { wholeNumber } from "../typed-value.ts";

type Cost = ResultOf<typeof usageCost>;
type Group = (typeof usageGroups)[number];

interface CostOptions extends ConnectOptions {
  readonly days: string;
  readonly by: string;
  readonly agent?: string;
  readonly csv?: boolean;
}

interface ImportOptions extends ConnectOptions {
  readonly agent: string;
}

export function register(program: Command, context: CliContext): void {
  const usage = program.command("usage").description("Show what was used and what it cost");
  withConnection(usage.command("cost", { isDefault: true }).description("Show cost and tokens of the last days (UTC)"))
    .option("-d, --days <count>", "how many days, today included", "30")
    .option("--by <side>", usageGroups.join(", "), "day")
    .option("--agent <id>", "of one agent alone")
    .option("--csv", "as comma-separated values")
    .action((options: CostOptions) => cost(options, context));
  withConnection(usage.command("session").description("Show what one session used, said and did"))
    .argument("<key>")
    .action((key: string, options: ConnectOptions) => session(key, options, context));
  withConnection(usage.command("import").description("Book what another installation spent, from its transcripts"))
    .argument("<paths...>", "JSONL files, or folders of them")
    .option("--agent <id>", "whose calls they are, where a file's folder does not tell", "main")
    .action((paths: string[], options: ImportOptions) => importPaths(paths, options, context));
  withConnection(usage.command("check").description("Count every sum anew from the calls themselves")).action(
    (options: ConnectOptions) => check(options, context),
  );
}

function cost(options: CostOptions, context: CliContext): Promise<void> {
  const { output } = context;
  const by = usageGroups.find((group) => group === options.by);
  if (by === undefined) throw new AppError("SYS_003", `--by takes one of ${usageGroups.join(", ")}.`);
  const days = wholeNumber(options.days, "--days");
  const isCsv = options.csv === true;
  if (isCsv && output.json) throw new AppError("SYS_003", "--csv and --json are two forms: ask for one.");
  return withGateway(options, context, async (client) => {
    const agent = options.agent === undefined ? {} : { agentId: options.agent };
    const answer = await client.call<typeof usageCost>("usage.cost", { days, by, ...agent });
    if (isCsv) for (const line of csvLines(answer, by)) output.write(`${line}\n`);
    else output.result(answer, () => costTable(answer, by, context));
  });
}

function rowsOf({ daily, groups }: Cost, by: Group) {
  return by === "day" ? daily : groups;
}

function costTable(answer: Cost, by: Group, { output }: CliContext): string {
  const { totals } = answer;
  if (totals.calls === 0) return `nothing was used in the last ${answer.days} days`;
  const row = (name: string, one: Cost["totals"]): string[] => [
    name,
    String(one.calls),
    String(one.input),
    String(one.output),
    String(one.cacheRead + one.cacheWrite),
    dollars(one.totalCost),
    one.missingCostEntries === 0 ? "" : String(one.missingCostEntries),
  ];
  const rows = rowsOf(answer, by).map((one) => row(one.key === "" ? "(none)" : one.key, one));
  const head = [by.toUpperCase(), "CALLS", "INPUT", "OUTPUT", "CACHE", "COST", "UNPRICED"];
  return [output.table(head, [...rows, row("together", totals)]), ...remarks(totals)].join("\n");
}

/** What a sum alone would hide. */
function remarks(totals: Cost["totals"]): string[] {
  const { unpricedCalls, estimatedCalls, reportedCalls, calls } = totals;
  return [
    ...(unpricedCalls === 0
      ? []
      : [`Of ${unpricedCalls} of ${calls} calls no price is known: their cost is not in the sums.`]),
    ...(estimatedCalls === 0 ? [] : [`The tokens of ${estimatedCalls} of ${calls} calls are an estimate.`]),
    `The cost of ${reportedCalls} of ${calls} calls was told by the provider; of the others it is computed from prices.`,
  ];
}

/** A dollar to the hundredth of a cent, and never a cost that looks like none. */
function dollars(usd: number): string {
  return usd > 0 && usd < 0.0001 ? "<$0.0001" : `$${usd.toFixed(4)}`;
}

const csvColumns = [
  "calls",
  "input",
  "output",
  "cacheRead",
  "cacheWrite",
  "totalTokens",
  "totalCost",
  "inputCost",
  "outputCost",
  "cacheReadCost",
  "cacheWriteCost",
  "missingCostEntries",
  "estimatedCalls",
  "reportedCalls",
] as const;

function csvLines(answer: Cost, by: Group): string[] {
  const rows = rowsOf(answer, by).map((row) => [row.key, ...csvColumns.map((column) => String(row[column]))]);
  return [[by, ...csvColumns], ...rows].map((cells) => cells.map(csvCell).join(","));
}

/** RFC 4180; and nothing that a spreadsheet would take for a formula. */
function csvCell(text: string): string {
  const tame = /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
  return /[",\r\n]/.test(tame) ? `"${tame.replaceAll('"', '""')}"` : tame;
}

function session(key: string, options: ConnectOptions, context: CliContext): Promise<void> {
  return withGateway(options, context, async (client) => {
    const answer = await client.call<typeof sessionsUsage>("sessions.usage", { key, range: "all", limit: 1 });
    const [found] = answer.sessions;
    if (found?.usage === undefined || found.usage === null) {
      throw new AppError("RPC_007", `Nothing was used in a session ${JSON.stringify(key)}.`);
    }
    const { usage } = found;
    context.output.result(found, () => sessionText(found.key, usage, context));
  });
}

function sessionText(key: string, usage: SessionCostSummary, { output }: CliContext): string {
  const { messageCounts: said, latency, toolUsage, modelUsage } = usage;
  const unpriced = usage.missingCostEntries === 0 ? "" : ` (${usage.missingCostEntries} calls without a known price)`;
  const head = facts(
    [
      ["session", key],
      ["active", `${momentOf(usage.firstActivity)} to ${momentOf(usage.lastActivity)}`],
      ["cost", `${dollars(usage.totalCost)}${unpriced}`],
      ["tokens", `${usage.input} in, ${usage.output} out, ${usage.cacheRead + usage.cacheWrite} cached`],
      ["messages", `${said.user} from people, ${said.assistant} answers, ${said.errors} errors`],
      ["tools", toolUsage.tools.map(({ name, count }) => `${name} ${count}`).join(", ") || "none"],
      ["models", modelUsage.map(({ provider, model, count }) => `${provider}/${model} ${count}`).join(", ") || "none"],
      ...(latency === undefined
        ? []
        : [["latency", `half within ${latency.p50Ms} ms, 95 % within ${latency.p95Ms} ms`] as const]),
    ],
    output,
  );
  const days = usage.dailyBreakdown.map(({ date, tokens, cost: usd }) => [date, String(tokens), dollars(usd)]);
  return days.length === 0 ? head : `${head}\n\n${output.table(["DAY", "TOKENS", "COST"], days)}`;
}

function importPaths(paths: readonly string[], options: ImportOptions, context: CliContext): Promise<void> {
  const { output, signal } = context;
  return withGateway(options, context, async (client) => {
    const { importUsage } = await import("../../app/usage-import.ts");
    const sums = { files: 0, unreadable: 0, booked: 0, known: 0, bad: 0, own: 0 };
    const book = (calls: readonly unknown[]) =>
      client.call<typeof usageImport>("usage.import", { calls: [...calls] } as never);
    for await (const file of importUsage({ paths, agentId: options.agent, book, signal })) {
      const { tally } = file;
      const bad = tally.broken + tally.tooLong + tally.odd;
      sums.files += 1;
      sums.booked += file.booked;
      sums.known += file.known;
      sums.bad += bad;
      sums.own += tally.own;
      if (file.unreadable !== null) {
        sums.unreadable += 1;
        output.note(`${file.file}: not read: ${file.unreadable}`);
      }
      if (bad > 0)
        output.note(`${file.file}: ${bad} lines could not be used, the first at ${tally.firstBad.join(", ")}`);
    }
    output.result(sums, (all) =>
      [
        `${all.booked} calls booked from ${all.files} files, ${all.known} were known already`,
        ...(all.own === 0 ? [] : [`${all.own} answers are this product's own: they are booked where they were given`]),
        ...(all.bad === 0 ? [] : [`${all.bad} lines could not be used`]),
      ].join("\n"),
    );
    if (sums.unreadable > 0) context.exit(1);
  });
}

function check(options: ConnectOptions, context: CliContext): Promise<void> {
  return withGateway(options, context, async (client) => {
    const answer = await client.call<typeof usageCheck>("usage.check", {});
    context.output.result(answer, ({ sums }) =>
      context.output.table(
        ["SUM", "ROWS", "OTHERWISE"],
        sums.map(({ sum, rows, differing }) => [sum, String(rows), String(differing)]),
      ),
    );
    if (!answer.sound) context.exit(1);
  });
}
