/** `openclaw memory`: what an agent remembers, found, added, forgotten, and how its index stands. */
import type { Command } from "commander";
import { AppError } from "../../domain/app-error.ts";
import type { ParamsOf, ResultOf } from "../../protocol/method.ts";
import type {
  memoryAdd,
  memoryForget,
  memoryIndex,
  memorySearch,
  memoryStatus,
} from "../../protocol/methods/memory.ts";
import { withConnection, withGateway } from "../connect-options.ts";
import type { CliContext, ConnectOptions } from "../contract.ts";
import type { Output } from "../output.ts";
import { counted, facts, momentOf, type Fact } from "../shown-rows.ts";

interface AgentOptions extends ConnectOptions {
  readonly agent?: string;
}

export function register(program: Command, context: CliContext): void {
  const memory = program.command("memory").description("Search what an agent remembers, add to it, and forget");
  const verb = (name: string, description: string): Command =>
    withConnection(memory.command(name).description(description)).option("--agent <id>", "whose memory");
  verb("search", "Find notes by words and by meaning")
    .argument("<query...>")
    .option("--limit <count>", "how many at most")
    .action((words: string[], options: AgentOptions & { limit?: string }) => search(words, options, context));
  verb("add", "Add a note to those of today")
    .argument("<text...>")
    .action((words: string[], options: AgentOptions) => add(words, options, context));
  verb("forget", "Take lines out of a file, and every trace of them out of the index")
    .argument("<place>", "as search names it: memory/2026-11-29.md:3-5")
    .option("--containing <words>", "words that must stand there; nothing is removed where they do not")
    .action((place: string, options: AgentOptions & { containing?: string }) => forget(place, options, context));
  verb("index", "Look at every file now, and make what is missing")
    .option("--all", "also what has not changed")
    .action((options: AgentOptions & { all?: true }) => index(options, context));
  verb("status", "Show how the index stands").action((options: AgentOptions) => status(options, context));
}

async function search(
  words: readonly string[],
  options: AgentOptions & { limit?: string },
  context: CliContext,
): Promise<void> {
  const { limit } = options;
  if (limit !== undefined && !/^[1-9]\d{0,2}$/.test(limit))
    throw new AppError("SYS_003", "--limit takes a number from 1 to 999.");
  const params: ParamsOf<typeof memorySearch> = {
    query: words.join(" "),
    ...agentOf(options),
    ...(limit === undefined ? {} : { limit: Number(limit) }),
  };
  await withGateway(options, context, async (client) => {
    const found = await client.call<typeof memorySearch>("memory.search", params);
    context.output.result(found, (result) => foundText(result, context.output));
  });
}

function foundText({ hits, notice }: ResultOf<typeof memorySearch>, output: Output): string {
  const blocks = hits.map(({ path, startLine, endLine, score, text, foreign }) => {
    const from = foreign === null ? "" : `  from ${foreign}`;
    return `${output.bold(endLine === startLine ? `${path}:${startLine}` : `${path}:${startLine}-${endLine}`)}  ${score.toFixed(2)}${from}\n${text}`;
  });
  if (blocks.length === 0) blocks.push("nothing found");
  if (notice !== null) blocks.push(notice);
  return blocks.join("\n\n");
}

async function add(words: readonly string[], options: AgentOptions, context: CliContext): Promise<void> {
  await withGateway(options, context, async (client) => {
    const params = { text: words.join(" "), ...agentOf(options) };
    const saved = await client.call<typeof memoryAdd>("memory.add", params);
    context.output.result(saved, ({ path, startLine }) => `noted in ${path}, line ${startLine}`);
  });
}

async function forget(
  place: string,
  options: AgentOptions & { containing?: string },
  context: CliContext,
): Promise<void> {
  const [, path, start, end] = /^(.+):(\d{1,9})(?:-(\d{1,9}))?$/.exec(place) ?? [];
  if (path === undefined || start === undefined) {
    throw new AppError("SYS_003", "Say which lines, as search names them: memory/2026-11-29.md:3-5.");
  }
  const { containing } = options;
  const params: ParamsOf<typeof memoryForget> = {
    path,
    startLine: Number(start),
    endLine: Number(end ?? start),
    ...agentOf(options),
    ...(containing === undefined ? {} : { containing }),
  };
  await withGateway(options, context, async (client) => {
    const gone = await client.call<typeof memoryForget>("memory.forget", params);
    context.output.result(gone, ({ pieces }) => `forgotten: ${counted(pieces, "piece")} of the index went with it`);
  });
}

async function index(options: AgentOptions & { all?: true }, context: CliContext): Promise<void> {
  await withGateway(options, context, async (client) => {
    const params = { ...agentOf(options), ...(options.all === true ? { all: true } : {}) };
    const state = await client.call<typeof memoryIndex>("memory.index", params);
    context.output.result(state, (result) => statusText(result, context.output));
  });
}

async function status(options: AgentOptions, context: CliContext): Promise<void> {
  await withGateway(options, context, async (client) => {
    const state = await client.call<typeof memoryStatus>("memory.status", agentOf(options));
    context.output.result(state, (result) => statusText(result, context.output));
  });
}

function statusText(state: ResultOf<typeof memoryStatus>, output: Output): string {
  const { agentId, files, chunks, embedded, model, indexing, lastIndexedMs, trouble } = state;
  const rows: Fact[] = [
    ["agent", agentId],
    ["files", String(files)],
    ["pieces", `${chunks}, ${embedded} with a vector${indexing ? ", more being made" : ""}`],
    ["model", model ?? "none: words alone are searched"],
    ["looked at", lastIndexedMs === null ? "never" : `${momentOf(lastIndexedMs)} UTC`],
  ];
  if (trouble !== null) rows.push(["trouble", trouble]);
  return facts(rows, output);
}

function agentOf({ agent }: AgentOptions): { agentId?: string } {
  return agent === undefined ? {} : { agentId: agent };
}
