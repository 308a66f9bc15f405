/** `openclaw logs`: the gateway's log, newest last; `--follow` goes on. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { AppError } from "../../domain/app-error.ts";
import type { logsTail } from "../../protocol/methods/logs.ts";
import { withConnection } from "../connect-options.ts";
import type { CliContext, ConnectOptions } from "../contract.ts";
import type { GatewayClient } from "../gateway-client.ts";

interface LogOptions extends ConnectOptions {
  readonly limit: string;
  readonly scope?: string;
  readonly follow?: boolean;
}

export function register(program: Command, context: CliContext): void {
  withConnection(program.command("logs").description("Show the gateway's log"))
    .option("-n, --limit <lines>", "how many lines", "100")
    .option("--scope <name>", "only this subsystem, e.g. channels.irc")
    .option("-f, --follow", "go on with what is written from now on")
    .action((options: LogOptions) => showLogs(options, context));
}

async function showLogs(options: LogOptions, context: CliContext): Promise<void> {
  const limit = Number(options.limit);
  if (!Number.isInteger(limit) || limit < 1 || limit > 5_000) throw new AppError("SYS_003", "--limit takes 1 to 5000.");
  const source = await openLog(options, context);
  const scope = options.scope === undefined ? {} : { scope: options.scope };
  try {
    let page = await source.read({ limit, ...scope });
    if (page.lines.length === 0 && options.scope !== undefined)
      context.output.note(`No lines of ${options.scope} yet.`);
    print(page.lines, context);
    while (options.follow === true && !context.signal.aborted) {
      await sleep(500, undefined, { signal: context.signal });
      page = await source.read({ limit: 1_000, cursor: page.cursor, ...scope });
      print(page.lines, context);
    }
  } catch (error) {
    // Ctrl-C is how following ends.
    if (!context.signal.aborted) throw error;
  } finally {
    source.close();
  }
}

interface LogQuery {
  readonly limit: number;
  readonly cursor?: string;
  readonly scope?: string;
}

interface LogSource {
  read(query: LogQuery): Promise<{ readonly lines: readonly string[]; readonly cursor: string }>;
  close(): void;
}

/** The gateway's own answer; where none runs, the file: why it does not run is told there and nowhere else. */
async function openLog(options: ConnectOptions, context: CliContext): Promise<LogSource> {
  let client: GatewayClient;
  try {
    client = await context.connect(options);
  } catch (thrown) {
    const error = AppError.from(thrown);
    if (error.code !== "SYS_002" || options.url !== undefined) throw error;
    const [{ checkConfig }, { tailLog }] = await Promise.all([
      import("../../app/check-config.ts"),
      import("../../platform/log-tail.ts"),
    ]);
    const { logFile } = await checkConfig(context.environment, undefined);
    context.output.note(`No gateway runs; this is its log ${logFile}.`);
    return { read: (query) => tailLog({ file: logFile, ...query }), close: () => undefined };
  }
  return {
    read: async (query) => {
      const page = await client.call<typeof logsTail>("logs.tail", { ...query });
      return { lines: page.lines, cursor: String(page.cursor) };
    },
    close: () => client.close(),
  };
}

function print(lines: readonly string[], { output }: CliContext): void {
  for (const line of lines) output.write(`${output.json ? line : readable(line)}\n`);
}

/** `time level scope message fields` of one line; a line that is no JSON is shown as it is. */
function readable(line: string): string {
  let record: Record<string, unknown>;
  try {
    record = JSON.parse(line) as Record<string, unknown>;
  } catch {
    // Written by something else, or cut off by a crash: still worth seeing.
    return line;
  }
  const { time, level, scope, msg, message, ...fields } = record;
  const head = [time, level, scope, msg ?? message]
    .filter((part) => typeof part === "string" || typeof part === "number")
    .join(" ");
  return Object.keys(fields).length === 0 ? head : `${head} ${JSON.stringify(fields)}`;
}
