/**
 * The part of `openclaw approvals` that is about what commands may run unasked: its list, line by line or as a whole file.
 * Added to the command by `approvals.ts`.
 */
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { AppError } from "../../domain/app-error.ts";
import type { execApprovalsExport, execApprovalsGet, execApprovalsSet } from "../../protocol/methods/exec-approvals.ts";
import { withConnection, withGateway } from "../connect-options.ts";
import type { CliContext, ConnectOptions } from "../contract.ts";
import type { GatewayClient } from "../gateway-client.ts";
import type { Output } from "../output.ts";
import { momentOf } from "../shown-rows.ts";
import { spanMs } from "../typed-value.ts";

/** `approvals` is the command that lists and answers open questions. */
export function registerAllowlist(approvals: Command, context: CliContext): void {
  const list = approvals.command("allowlist").description("Keep the list of commands that agents may run unasked");
  withAgent(list.command("list", { isDefault: true }).description("Show the list")).action((options: AgentOptions) =>
    show(options, context),
  );
  withAgent(list.command("add").description("Allow a program, with exactly these words where any are given"))
    .argument("<program>", "absolute path, or a pattern of one: /usr/bin/git, ~/bin/*")
    .argument("[words...]", "the words behind it; put -- before them")
    .option("--no-words", "exactly without any words")
    .option("--for <span>", "no longer after this time (12h, 30d)")
    .action((program: string, words: string[], options: AddOptions) => add(program, words, { options, context }));
  withAgent(list.command("remove").description("Take a line off the list"))
    .argument("<id>", "as the list shows it, or its beginning")
    .action((id: string, options: AgentOptions) => remove(id, options, context));
  withConnection(approvals.command("get").description("Print rules and lists as a file")).action(
    (options: ConnectOptions) => print(options, context),
  );
  withConnection(approvals.command("set").description("Replace rules and lists by those of a file"))
    .argument("<file>", "in the shape of exec-approvals.json")
    .action((file: string, options: ConnectOptions) => replace(file, options, context));
  withConnection(
    approvals.command("export").description("Write exec-approvals.json into the gateway's state directory"),
  ).action((options: ConnectOptions) => exportFile(options, context));
}

interface AgentOptions extends ConnectOptions {
  readonly agent: string;
}

interface AddOptions extends AgentOptions {
  readonly for?: string;
  readonly words: boolean;
}

/** What this command reads of the file; the rest is sent back as it came. */
interface ListFile {
  readonly version: 1;
  readonly agents: Readonly<Record<string, { readonly allowlist?: readonly Line[] }>>;
}

interface Line {
  readonly id?: string;
  readonly pattern: string;
  readonly argv?: readonly string[] | null;
  readonly by?: string;
  readonly expiresAt?: number | null;
  readonly lastUsedAt?: number;
}

function withAgent(command: Command): Command {
  return withConnection(command).option("--agent <id>", "whose list; * is everybody's", "main");
}

async function show({ agent, ...options }: AgentOptions, context: CliContext): Promise<void> {
  await withGateway(options, context, async (client) => {
    const lines = (await read(client)).file.agents[agent]?.allowlist ?? [];
    context.output.result(lines, (result) => listText(result, agent, context.output));
  });
}

function listText(lines: readonly Line[], agent: string, output: Output): string {
  if (lines.length === 0) return `nothing is on the list of ${agent}`;
  const rows = lines.map(({ id, pattern, argv, by, expiresAt, lastUsedAt }) => [
    id ?? "",
    pattern,
    wordsText(argv ?? null),
    by ?? "",
    expiresAt == null ? "" : momentOf(expiresAt),
    lastUsedAt === undefined ? "never" : momentOf(lastUsedAt),
  ]);
  return output.table(["ID", "PROGRAM", "WORDS", "BY", "UNTIL (UTC)", "LAST USED (UTC)"], rows);
}

function wordsText(argv: readonly string[] | null): string {
  if (argv === null) return "any harmless";
  return argv.length === 0
    ? "none"
    : argv.map((word) => (/^[\w./:,@%+=-]+$/.test(word) ? word : JSON.stringify(word))).join(" ");
}

function withWords(argv: readonly string[] | null): string {
  if (argv === null) return "with any harmless words";
  return argv.length === 0 ? "without words" : `with exactly the words ${wordsText(argv)}`;
}

async function add(
  pattern: string,
  words: readonly string[],
  { options: { agent, for: span, words: anyWords, ...options }, context }: { options: AddOptions; context: CliContext },
): Promise<void> {
  if (!anyWords && words.length > 0) throw new AppError("SYS_003", "Give words, or --no-words.");
  await withGateway(options, context, async (client) => {
    const seen = await read(client);
    const line: Line = {
      pattern,
      argv: words.length > 0 || !anyWords ? words : null,
      by: "openclaw approvals",
      ...(span === undefined ? {} : { expiresAt: Date.now() + spanMs(span, "--for") }),
    };
    await write(client, seen, agent, [...(seen.file.agents[agent]?.allowlist ?? []), line]);
    context.output.result(line, () => `${pattern} ${withWords(line.argv ?? null)} may run unasked for ${agent}`);
  });
}

async function remove(id: string, { agent, ...options }: AgentOptions, context: CliContext): Promise<void> {
  await withGateway(options, context, async (client) => {
    const seen = await read(client);
    const lines = seen.file.agents[agent]?.allowlist ?? [];
    const found = lines.filter((line) => line.id === id);
    const meant = found.length > 0 ? found : lines.filter((line) => line.id?.startsWith(id) === true);
    const [line, ...more] = meant;
    if (line === undefined)
      throw new AppError("RPC_007", `${agent} has no line ${id}: see openclaw approvals allowlist list.`);
    if (more.length > 0) throw new AppError("SYS_003", `${id} is the beginning of several ids; give more of it.`);
    await write(
      client,
      seen,
      agent,
      lines.filter((other) => other !== line),
    );
    context.output.result(line, () => `${line.pattern} is off the list of ${agent}`);
  });
}

async function print(options: ConnectOptions, context: CliContext): Promise<void> {
  await withGateway(options, context, async (client) => {
    const { file } = await read(client);
    context.output.result(file, (result) => JSON.stringify(result, null, 2));
  });
}

async function replace(path: string, options: ConnectOptions, context: CliContext): Promise<void> {
  let file: Record<string, unknown>;
  try {
    file = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new AppError("SYS_003", `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  await withGateway(options, context, async (client) => {
    const { hash, exists } = await read(client);
    const written = await client.call<typeof execApprovalsSet>("exec.approvals.set", {
      file,
      baseHash: exists ? hash : null,
    });
    context.output.result(written, () => "written");
  });
}

async function exportFile(options: ConnectOptions, context: CliContext): Promise<void> {
  await withGateway(options, context, async (client) => {
    const written = await client.call<typeof execApprovalsExport>("exec.approvals.export", {});
    context.output.result(written, ({ path }) => `written to ${path} on the gateway's machine`);
  });
}

interface Seen {
  readonly file: ListFile;
  readonly hash: string;
  readonly exists: boolean;
}

async function read(client: GatewayClient): Promise<Seen> {
  const { file, hash, exists } = await client.call<typeof execApprovalsGet>("exec.approvals.get", {});
  // The gateway checks the shape whenever it is written.
  return { file: file as unknown as ListFile, hash, exists };
}

async function write(client: GatewayClient, seen: Seen, agent: string, allowlist: readonly Line[]): Promise<void> {
  const agents = { ...seen.file.agents, [agent]: { ...seen.file.agents[agent], allowlist } };
  await client.call<typeof execApprovalsSet>("exec.approvals.set", {
    file: { ...seen.file, agents },
    baseHash: seen.exists ? seen.hash : null,
  });
}
