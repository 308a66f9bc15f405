/** `openclaw message`: say something through a channel, without the assistant. */
import type { Command } from "commander";
import { systemIds } from "../../platform/ids.ts";
import type { send } from "../../protocol/methods/channels.ts";
import { withConnection } from "../connect-options.ts";
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
  const message = program.command("message").description("Send a message through a channel");
  withConnection(message.command("send").description("Put a message on its way"))
    .requiredOption("--channel <id>", "channel, e.g. irc")
    .requiredOption("--to <chat>", "chat or person on that channel")
    .requiredOption("-m, --message <text>", "what to say")
    .option("--account <id>", "account of ours to send from")
    .option("--thread <id>", "thread in the chat")
    .option("--key <key>", "idempotency key: the same key is sent once, however often it is given")
    .action((options: SendOptions) => sendMessage(options, context));
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
