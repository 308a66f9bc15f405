/** `openclaw agent`: one message, one answer. */
import type { Command } from "commander";
import { AppError } from "../../domain/app-error.ts";
import { createQuestioner } from "../approval-question.ts";
import { withConnection } from "../connect-options.ts";
import type { CliContext, ConnectOptions } from "../contract.ts";
import { lineAsker } from "../line-asker.ts";
import { failureOf, followRun, readerAt, type RunRequest } from "../follow-run.ts";

interface AgentOptions extends ConnectOptions {
  readonly message?: string;
  readonly session?: string;
  readonly agent?: string;
  readonly model?: string;
  readonly thinking?: string;
}

export function register(program: Command, context: CliContext): void {
  withConnection(program.command("agent").description("Run one turn and print the answer"))
    .argument("[text...]", "what to say; `-` reads it from standard input")
    .option("-m, --message <text>", "what to say")
    .option("--session <key>", "session to go on with (default: the main one)")
    .option("--agent <id>", "agent to ask")
    .option("--model <ref>", "model to use for this turn")
    .option("--thinking <level>", "how hard to think")
    .action((words: readonly string[], options: AgentOptions) => runAgent(words, options, context));
}

async function runAgent(words: readonly string[], options: AgentOptions, context: CliContext): Promise<void> {
  const message = await messageOf(words, options, context);
  // Whoever interrupts wants the turn stopped: that is said to the gateway before the connection ends.
  const client = await context.connect(options, { outlivesSignal: true });
  const questioner = createQuestioner(client, context, context.output.json ? null : lineAsker(context));
  try {
    const request: RunRequest = {
      message,
      ...(options.session === undefined ? {} : { sessionKey: options.session }),
      ...(options.agent === undefined ? {} : { agentId: options.agent }),
      ...(options.model === undefined ? {} : { model: options.model }),
      ...(options.thinking === undefined ? {} : { thinking: options.thinking }),
    };
    const { output, signal } = context;
    const reader = readerAt(output);
    const result = await followRun(client, request, { ...reader, questioner }, signal).finally(reader.endLine);
    if (output.json) output.result(result, (value) => value.text);
    const failure = failureOf(result);
    if (failure !== null && !output.json) output.failure(failure);
    if (result.outcome === "final" && result.text === "" && !output.json) output.note(noAnswer);
    if (result.outcome === "aborted" && !output.json) output.note("The turn was aborted.");
    if (result.outcome !== "final") context.exit(1);
  } finally {
    questioner.close();
    client.close();
  }
}

const noAnswer =
  "There is no answer to this alone: it was answered together with another message, or there was nothing to say.";

async function messageOf(words: readonly string[], options: AgentOptions, context: CliContext): Promise<string> {
  if (options.message !== undefined && words.length > 0)
    throw new AppError("SYS_003", "There are two texts: give one, with --message or without.");
  const given = options.message ?? words.join(" ");
  const text = given === "-" ? await readAll(context) : given;
  if (text.trim() === "") throw new AppError("SYS_003", "There is nothing to say. Give a text, or `-` to read one.");
  return text;
}

async function readAll(context: CliContext): Promise<string> {
  let text = "";
  for await (const chunk of context.stdin) text += String(chunk);
  return text;
}
