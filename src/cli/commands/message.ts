/** `openclaw message`: say something through a channel, without the assistant, and change what was said. */
import type { Command } from "commander";
import { AppError } from "../../domain/app-error.ts";
import { systemIds } from "../../platform/ids.ts";
import type { send } from "../../protocol/methods/channels.ts";
import type { messageEdit } from "../../protocol/methods/message.ts";
import { withConnection, withGateway } from "../connect-options.ts";
import type { CliContext, ConnectOptions } from "../contract.ts";

interface SendOptions extends ConnectOptions {
  readonly channel: string;
  readonly to: string;
  readonly message: string;
  readonly account?: string;
  readonly thread?: string;
  readonly key?: string;
}

export function register(program: Command, context: CliContext): void {
  const message = program.command("message").description("Send a message through a channel, or change one");
  withConnection(message.command("send").description("Put a message on its way"))
    .requiredOption("--channel <id>", "channel, e.g. irc")
    .requiredOption("--to <chat>", "chat or person on that channel")
    .requiredOption("-m, --message <text>", "what to say")
    .option("--account <id>", "account of ours to send from")
    .option("--thread <id>", "thread in the chat")
    .option("--key <key>", "idempotency key: the same key is sent once, however often it is given")
    .action((options: SendOptions) => sendMessage(options, context));
  withTarget(message.command("edit").description("Make a message of ours say something else"))
    .requiredOption("-m, --message <text>", "what it is to say")
    .action((part: string | undefined, options: TargetOptions & { message: string }) =>
      change("message.edit", { ...targetOf(part, options), message: options.message }, options, context),
    );
  withTarget(message.command("delete").description("Take a message of ours back")).action(
    (part: string | undefined, options: TargetOptions) =>
      change("message.delete", targetOf(part, options), options, context),
  );
  withTarget(message.command("react").description("Put a reaction on a message, or take ours back"))
    .requiredOption("--emoji <emoji>", "the reaction; an empty one takes it back")
    .action((part: string | undefined, options: TargetOptions & { emoji: string }) =>
      change("message.react", { ...targetOf(part, options), emoji: options.emoji }, options, context),
    );
}

interface TargetOptions extends ConnectOptions {
  readonly channel?: string;
  readonly account?: string;
  readonly chat?: string;
  readonly id?: string;
  readonly key?: string;
}

/** By our own id of it, or by where it stands and what the platform calls it. */
function withTarget(command: Command): Command {
  return withConnection(command)
    .argument("[part]", "id that `message send` printed, or that `trace` shows")
    .option("--channel <id>", "channel, e.g. irc")
    .option("--account <id>", "account of ours")
    .option("--chat <chat>", "chat or person on that channel")
    .option("--id <id>", "the platform's id of the message")
    .option("--key <key>", "idempotency key: the same key has one effect, however often it is given");
}

function targetOf(partId: string | undefined, options: TargetOptions): Record<string, unknown> {
  const { channel, account, chat, id } = options;
  if (partId !== undefined) return { partId };
  if (channel === undefined || chat === undefined || id === undefined)
    throw new AppError("SYS_003", "Name the message: its part, or --channel, --chat and --id.");
  return { channel, chatId: chat, platformId: id, ...(account === undefined ? {} : { accountId: account }) };
}

async function change(
  method: string,
  params: Readonly<Record<string, unknown>>,
  options: TargetOptions,
  context: CliContext,
): Promise<void> {
  const idempotencyKey = options.key ?? systemIds().uuid();
  await withGateway(options, context, async (client) => {
    const done = await client.call<typeof messageEdit>(method, { ...params, idempotencyKey });
    context.output.result(done, ({ chatId, partIds }) => `on its way to ${chatId} (${partIds.join(", ")})`);
  });
}

async function sendMessage(options: SendOptions, context: CliContext): Promise<void> {
  const client = await context.connect(options);
  try {
    const sent = await client.call<typeof send>("send", {
      channel: options.channel,
      to: options.to,
      message: options.message,
      ...(options.account === undefined ? {} : { accountId: options.account }),
      ...(options.thread === undefined ? {} : { threadId: options.thread }),
      idempotencyKey: options.key ?? systemIds().uuid(),
    });
    context.output.result(sent, (value) => `on its way to ${value.to} (${value.messageId})`);
  } finally {
    client.close();
  }
}
