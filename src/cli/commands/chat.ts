/** `openclaw chat`: a conversation in the terminal, answers as they are written. */
import { createInterface, type Interface } from "node:readline";
import type { Command } from "commander";
import { createQuestioner, type AskLine } from "../approval-question.ts";
import { withConnection } from "../connect-options.ts";
import type { CliContext, ConnectOptions } from "../contract.ts";
import { failureOf, followRun, readerAt } from "../follow-run.ts";
import type { GatewayClient } from "../gateway-client.ts";

interface ChatOptions extends ConnectOptions {
  readonly session: string;
  readonly agent?: string;
}

export function register(program: Command, context: CliContext): void {
  withConnection(program.command("chat").description("Talk with the assistant in this terminal"))
    .option("--session <key>", "session to go on with", "main")
    .option("--agent <id>", "agent to talk with")
    .action((options: ChatOptions) => runChat(options, context));
}

async function runChat(options: ChatOptions, context: CliContext): Promise<void> {
  const client = await context.connect(options);
  const interactive = context.stdin.isTTY === true;
  const { output } = context;
  if (interactive)
    output.note(
      output.dim("Write a line and press Enter. Ctrl-C stops an answer, Ctrl-D or /quit ends. /help shows more."),
    );
  const lines = createInterface({
    input: context.stdin,
    ...(interactive ? { output: process.stdout, prompt: output.bold("you> ") } : {}),
    terminal: interactive,
  });
  try {
    if (interactive) lines.prompt();
    for await (const line of lines) {
      // The terminal's own words: the assistant is not asked what they mean.
      if (/^\/(quit|exit)$/.test(line.trim())) break;
      if (line.trim() !== "") await say(line, client, { options, context, lines });
      if (interactive) lines.prompt();
    }
  } finally {
    lines.close();
    client.close();
  }
}

async function say(
  message: string,
  client: GatewayClient,
  { options, context, lines }: { options: ChatOptions; context: CliContext; lines: Interface },
): Promise<void> {
  const stop = new AbortController();
  const onInterrupt = (): void => stop.abort();
  lines.once("SIGINT", onInterrupt);
  try {
    const request = {
      message,
      sessionKey: options.session,
      ...(options.agent === undefined ? {} : { agentId: options.agent }),
    };
    const reader = readerAt(context.output);
    const questioner = createQuestioner(client, context, context.stdin.isTTY === true ? askBetween(lines) : null);
    const result = await followRun(client, request, { ...reader, questioner }, stop.signal).finally(reader.endLine);
    if (result.outcome === "aborted") context.output.note(context.output.dim("stopped"));
    const failure = failureOf(result);
    if (failure !== null) {
      context.output.failure(failure);
      context.exit(1);
    }
  } finally {
    lines.removeListener("SIGINT", onInterrupt);
  }
}

/** The line after the question is its answer, and no message. */
function askBetween(lines: Interface): AskLine {
  return (prompt, signal) =>
    new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
      lines.question(prompt, { signal }, resolve);
    });
}
