/** `openclaw sessions`: list, show, carry away, bring back and remove conversations. */
import { readFile, writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import type { chatHistory } from "../../protocol/methods/chat.ts";
import type {
  sessionsCompact,
  sessionsDelete,
  sessionsExport,
  sessionsImport,
  sessionsList,
  sessionsSearch,
} from "../../protocol/methods/sessions.ts";
import { withConnection } from "../connect-options.ts";
import type { CliContext, ConnectOptions } from "../contract.ts";
import type { GatewayClient } from "../gateway-client.ts";

export function register(program: Command, context: CliContext): void {
  const sessions = program
    .command("sessions")
    .description("List, show, search, sum up, export, import and delete sessions");
  const verb = (name: string, summary: string): Command => withConnection(sessions.command(name).description(summary));
  verb("list", "List the sessions, the latest first")
    .option("-n, --limit <count>", "how many", "50")
    .option("--search <text>", "part of a key or label")
    .action((options: ListOptions) => within(options, context, (client) => list(client, options, context)));
  verb("show", "Show what was said in a session")
    .argument("<key>")
    .option("-n, --limit <count>", "how many messages", "50")
    .action((key: string, options: ListOptions) =>
      within(options, context, (client) => show(client, key, options, context)),
    );
  verb("search", "Find what was said, in every conversation that is kept")
    .argument("<words>")
    .option("--key <key>", "in this session alone")
    .option("-n, --limit <count>", "how many", "20")
    .action((words: string, options: ListOptions & { key?: string }) =>
      within(options, context, (client) => search(client, words, options, context)),
    );
  verb("export", "Write a session as JSON lines")
    .argument("<key>")
    .option("-o, --out <file>", "file to write (default: standard output)")
    .option("--session-id <id>", "an older conversation of this key")
    .option("-f, --follow", "go on with what is added from now on")
    .action((key: string, options: ExportOptions) =>
      within(options, context, (client) => exportSession(client, key, options, context)),
    );
  verb("import", "Bring a session back from JSON lines")
    .argument("<key>")
    .argument("<file>", "`-` reads standard input")
    .option("--agent <id>", "agent it belongs to")
    .action((key: string, file: string, options: ConnectOptions & { agent?: string }) =>
      within(options, context, (client) => importSession(client, { key, file, agent: options.agent }, context)),
    );
  verb("compact", "Sum up the older part of a session; all of it stays in its history")
    .argument("<key>")
    .option("--instructions <text>", "what the summary should look at")
    .option("--max-lines <count>", "keep the newest so many messages and ask no model")
    .action((key: string, options: CompactOptions) =>
      within(options, context, (client) => compact(client, key, options, context)),
    );
  verb("reset", "Start a session anew; its history is kept")
    .argument("<key>")
    .action((key: string, options: ConnectOptions) =>
      within(options, context, async (client) => {
        context.output.result(await client.call("sessions.reset", { key }), () => "started anew");
      }),
    );
  verb("delete", "Remove a session and everything that was said in it")
    .argument("<key>")
    .action((key: string, options: ConnectOptions) =>
      within(options, context, async (client) => {
        const gone = await client.call<typeof sessionsDelete>("sessions.delete", { key });
        if (!gone.deleted) throw new AppError("RPC_007", `There is no session ${JSON.stringify(key)}.`);
        context.output.result(gone, () => "deleted");
      }),
    );
}

interface ListOptions extends ConnectOptions {
  readonly limit: string;
  readonly search?: string;
}

interface ExportOptions extends ConnectOptions {
  readonly out?: string;
  readonly sessionId?: string;
  readonly follow?: boolean;
}

interface CompactOptions extends ConnectOptions {
  readonly instructions?: string;
  readonly maxLines?: string;
}

async function within(
  options: ConnectOptions,
  context: CliContext,
  work: (client: GatewayClient) => Promise<void>,
): Promise<void> {
  const client = await context.connect(options);
  try {
    await work(client);
  } finally {
    client.close();
  }
}

async function list(client: GatewayClient, options: ListOptions, { output }: CliContext): Promise<void> {
  const page = await client.call<typeof sessionsList>("sessions.list", {
    limit: positive(options.limit, "--limit"),
    ...(options.search === undefined ? {} : { search: options.search }),
  });
  output.result(page, ({ sessions, total }) => {
    if (sessions.length === 0) return "no sessions";
    const rows = sessions.map((one) => [
      one.key,
      String(one.messageCount),
      String(one.totalTokens),
      `$${one.costUsd.toFixed(4)}`,
      new Date(one.updatedAt).toISOString().slice(0, 16).replace("T", " "),
    ]);
    const text = output.table(["SESSION", "MESSAGES", "TOKENS", "COST", "LAST (UTC)"], rows);
    return sessions.length < total ? `${text}\n${sessions.length} of ${total}` : text;
  });
}

async function search(
  client: GatewayClient,
  words: string,
  options: ListOptions & { key?: string },
  { output }: CliContext,
): Promise<void> {
  const found = await client.call<typeof sessionsSearch>("sessions.search", {
    query: words,
    limit: positive(options.limit, "--limit"),
    ...(options.key === undefined ? {} : { key: options.key }),
  });
  output.result(found, ({ hits }) => {
    if (hits.length === 0) return "nothing found";
    return hits
      .map(
        ({ key, ts, role, text }) =>
          `${output.bold(`${new Date(ts).toISOString().slice(0, 16).replace("T", " ")} ${key} ${role}>`)} ${text}`,
      )
      .join("\n");
  });
}

async function show(client: GatewayClient, key: string, options: ListOptions, { output }: CliContext): Promise<void> {
  const history = await client.call<typeof chatHistory>("chat.history", {
    sessionKey: key,
    limit: positive(options.limit, "--limit"),
  });
  if (history.sessionId === null) throw new AppError("RPC_007", `There is no session ${JSON.stringify(key)}.`);
  output.result(history, ({ messages }) =>
    messages
      .map(
        (message) =>
          `${output.bold(`${typeof message["role"] === "string" ? message["role"] : "?"}>`)} ${spoken(message["content"])}`,
      )
      .join("\n"),
  );
}

/** A model may take its time: the wait ends with the turn and not before. */
async function compact(
  client: GatewayClient,
  key: string,
  { instructions, maxLines }: CompactOptions,
  { output }: CliContext,
): Promise<void> {
  const done = await client.call<typeof sessionsCompact>(
    "sessions.compact",
    {
      key,
      ...(instructions === undefined ? {} : { instructions }),
      ...(maxLines === undefined ? {} : { maxLines: positive(maxLines, "--max-lines") }),
    },
    { timeoutMs: limits.turnTimeoutMs + waitMarginMs },
  );
  output.result(done, ({ compacted, tokensBefore = 0, tokensAfter = 0, reason }) =>
    compacted
      ? `about ${tokensBefore} tokens became ${tokensAfter}`
      : `nothing was compacted: ${reason ?? "no reason"}`,
  );
}

const waitMarginMs = 30_000;

function spoken(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content
    .map((part: { type?: unknown; text?: unknown; name?: unknown }) => {
      if (typeof part.text === "string") return part.text;
      return part.type === "toolCall" && typeof part.name === "string" ? `[uses ${part.name}]` : "";
    })
    .filter((text) => text !== "")
    .join(" ");
}

async function exportSession(
  client: GatewayClient,
  key: string,
  options: ExportOptions,
  context: CliContext,
): Promise<void> {
  const { output, signal } = context;
  const collected: string[] = [];
  const take = (lines: readonly string[]): void => {
    if (options.out !== undefined) collected.push(...lines);
    else for (const line of lines) output.write(`${line}\n`);
  };
  const wake = await followChanges(client, options.follow === true, signal);
  let afterSeq: number | null = null;
  do {
    const page: Awaited<ReturnType<typeof exportPage>> = await exportPage(client, {
      key,
      afterSeq,
      sessionId: options.sessionId,
    });
    take(page.lines);
    if (page.nextSeq !== null) afterSeq = page.nextSeq;
    else if (options.follow !== true) break;
    else {
      afterSeq = (afterSeq ?? 0) + page.lines.length;
      await wake();
    }
  } while (!signal.aborted);
  if (options.out === undefined) return;
  await writeFile(options.out, collected.map((line) => `${line}\n`).join(""), { mode: 0o600 });
  output.note(`${collected.length} lines written to ${options.out}`);
}

function exportPage(
  client: GatewayClient,
  from: { key: string; afterSeq: number | null; sessionId: string | undefined },
) {
  return client.call<typeof sessionsExport>("sessions.export", {
    key: from.key,
    ...(from.afterSeq === null ? {} : { afterSeq: from.afterSeq }),
    ...(from.sessionId === undefined ? {} : { sessionId: from.sessionId }),
  });
}

/** Resolves at each next end of a turn, or when the person has seen enough. */
async function followChanges(
  client: GatewayClient,
  follow: boolean,
  signal: AbortSignal,
): Promise<() => Promise<void>> {
  if (!follow) return () => Promise.resolve();
  let wake: (() => void) | undefined;
  client.on("chat", (payload) => {
    if (payload["state"] !== "delta") wake?.();
  });
  return () =>
    new Promise((resolve) => {
      wake = resolve;
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
}

async function importSession(
  client: GatewayClient,
  { key, file, agent }: { key: string; file: string; agent: string | undefined },
  { output, stdin }: CliContext,
): Promise<void> {
  const text = file === "-" ? await readAll(stdin) : await readLines(file);
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  if (lines.length === 0) throw new AppError("SYS_003", "There are no lines to import.");
  const imported = await client
    .call<typeof sessionsImport>("sessions.import", {
      key,
      lines,
      ...(agent === undefined ? {} : { agentId: agent }),
    })
    .catch((thrown: unknown) => {
      throw alreadyHere(AppError.from(thrown));
    });
  output.result(imported, (value) => `${value.entries} entries imported into ${value.key}`);
}

/** An import never writes over a conversation: what stands in its way is named, with what can be done about it. */
function alreadyHere(error: AppError): AppError {
  if (error.code !== "RPC_006") return error;
  const message = `${error.message.replace(/\.$/, "")}: an import brings back what is gone and copies nothing. Export what is here and delete it first.`;
  return new AppError("RPC_006", message, { cause: error, details: error.details });
}

async function readLines(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new AppError("SYS_003", `${file} cannot be read: ${code ?? message}.`, { cause: error });
  }
}

async function readAll(stream: AsyncIterable<unknown>): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += String(chunk);
  return text;
}

function positive(text: string, option: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 1_000)
    throw new AppError("SYS_003", `${option} takes 1 to 1000.`);
  return value;
}
