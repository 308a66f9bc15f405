/** `openclaw dlq`: what was never answered or never arrived, and what becomes of it. */
import type { Command } from "commander";
import { AppError } from "../../domain/app-error.ts";
import type { ParamsOf, ResultOf } from "../../protocol/method.ts";
import type { dlqList, dlqPurge, dlqReplay, dlqShow } from "../../protocol/methods/dlq.ts";
import { withConnection, withGateway } from "../connect-options.ts";
import type { CliContext, ConnectOptions } from "../contract.ts";
import { facts, momentOf, partFacts, type Fact } from "../shown-rows.ts";
import { spanMs, timeMs, wholeNumber } from "../typed-value.ts";

interface ListOptions extends ConnectOptions {
  readonly limit: string;
  readonly before?: string;
}

interface PurgeOptions extends ConnectOptions {
  readonly olderThan?: string;
}

export function register(program: Command, context: CliContext): void {
  const dlq = program.command("dlq").description("Look at what could not be answered or sent, and put it back to work");
  withConnection(dlq.command("list", { isDefault: true }).description("List dead letters, the latest first"))
    .option("-n, --limit <count>", "how many", "50")
    .option("--before <time>", "only what ended before this time (ISO, or milliseconds)")
    .action((options: ListOptions) => list(options, context));
  withConnection(dlq.command("show").description("Show one whole: text, attempts, error"))
    .argument("<id>")
    .action((id: string, options: ConnectOptions) => show(id, options, context));
  withConnection(dlq.command("replay").description("Put dead letters back to work, each once"))
    .argument("<ids...>")
    .action((ids: string[], options: ConnectOptions) => replay(ids, options, context));
  withConnection(dlq.command("purge").description("Take dead letters off the list and drop their content"))
    .argument("[ids...]")
    .option("--older-than <time>", "all that ended longer ago than this, e.g. 7d")
    .action((ids: string[], options: PurgeOptions) => purge(ids, options, context));
}

function list(options: ListOptions, context: CliContext): Promise<void> {
  const params = {
    limit: wholeNumber(options.limit, "--limit"),
    ...(options.before === undefined ? {} : { beforeMs: timeMs(options.before, "--before") }),
  };
  return withGateway(options, context, async (client) => {
    const { output } = context;
    const page = await client.call<typeof dlqList>("dlq.list", params);
    output.result(page, ({ total, letters }) => {
      if (letters.length === 0) return "no dead letters";
      const rows = letters.map((letter) => [
        momentOf(letter.atMs),
        letter.kind,
        letter.id,
        `${letter.channel}/${letter.accountId} ${letter.chatId}`,
        letter.reason,
        letter.excerpt,
      ]);
      const table = output.table(["ENDED (UTC)", "KIND", "ID", "CHAT", "REASON", "TEXT"], rows);
      return letters.length < total ? `${table}\n${letters.length} of ${total}` : table;
    });
  });
}

function show(id: string, options: ConnectOptions, context: CliContext): Promise<void> {
  return withGateway(options, context, async (client) => {
    const shown = await client.call<typeof dlqShow>("dlq.show", { id });
    context.output.result(shown, (value) => facts(letterFacts(value), context.output));
  });
}

function letterFacts({ letter, message, part }: ResultOf<typeof dlqShow>): readonly Fact[] {
  const head: readonly Fact[] = [
    ["kind", letter.kind],
    ["id", letter.id],
    ["ended", momentOf(letter.atMs)],
    ["reason", letter.reason],
    ["session", letter.sessionKey],
  ];
  if (part !== null) return [...head, ...partFacts(part)];
  if (message === null) return head;
  return [
    ...head,
    ["chat", `${message.channel}/${message.accountId} ${message.chatId}`],
    ["sender", message.senderName === null ? message.senderId : `${message.senderName} (${message.senderId})`],
    ["came in", momentOf(message.admittedMs)],
    ["attempts", String(message.attempts)],
    ["text", message.text],
  ];
}

function replay(ids: string[], options: ConnectOptions, context: CliContext): Promise<void> {
  return withGateway(options, context, async (client) => {
    const answer = await client.call<typeof dlqReplay>("dlq.replay", { ids });
    context.output.result(answer, ({ results }) =>
      results
        .map(({ id, outcome, reason }) => `${id}: ${words[outcome]}${reason === null ? "" : `: ${reason}`}`)
        .join("\n"),
    );
    if (answer.results.some(({ outcome }) => outcome !== "replayed")) context.exit(1);
  });
}

const words = {
  replayed: "back to work",
  refused: "not allowed today",
  gone: "no dead letter (any more)",
} as const;

async function purge(ids: string[], options: PurgeOptions, context: CliContext): Promise<void> {
  if ((ids.length === 0) === (options.olderThan === undefined))
    throw new AppError("SYS_003", "Name what to purge: ids, or --older-than.");
  const older = options.olderThan === undefined ? null : spanMs(options.olderThan, "--older-than");
  const params: ParamsOf<typeof dlqPurge> = older === null ? { ids } : { olderThanMs: older };
  await withGateway(options, context, async (client) => {
    const done = await client.call<typeof dlqPurge>("dlq.purge", params);
    context.output.result(done, ({ purged }) => `${purged} purged`);
  });
}
