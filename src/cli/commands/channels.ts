/** `openclaw channels`: how the connections to the chat platforms are, and starting and stopping them. */
import type { Command } from "commander";
import type { channelsStatus } from "../../protocol/methods/channels.ts";
import { withConnection } from "../connect-options.ts";
import type { CliContext, ConnectOptions } from "../contract.ts";
import { duration, textOf } from "./status.ts";

interface AccountOptions extends ConnectOptions {
  readonly account?: string;
}

export function register(program: Command, context: CliContext): void {
  const channels = program.command("channels").description("Show the channels and their connections");
  withConnection(
    channels.command("status", { isDefault: true }).description("Show every account and its connection"),
  ).action((options: ConnectOptions) => showStatus(options, context));
  for (const verb of ["start", "stop", "restart", "logout"] as const) {
    withConnection(channels.command(verb).description(`${summaries[verb]} a channel, or one account of it`))
      .argument("<channel>", "e.g. irc")
      .option("--account <id>", "one account of it")
      .action((channel: string, options: AccountOptions) => act(verb, channel, options, context));
  }
}

const summaries = { start: "Start", stop: "Stop", restart: "Restart", logout: "Log out of" } as const;

async function showStatus(options: ConnectOptions, context: CliContext): Promise<void> {
  const client = await context.connect(options);
  try {
    const status = await client.call<typeof channelsStatus>("channels.status", {});
    context.output.result(status, (value) => {
      const rows = value.channelOrder.flatMap((id) =>
        (value.channelAccounts[id] ?? []).map((account) => [
          `${id}/${textOf(account["accountId"])}`,
          textOf(account["state"]),
          roundTrip(account["lastRoundTripAgeMs"]),
          textOf(account["lastError"]),
        ]),
      );
      return rows.length === 0
        ? "no channels"
        : context.output.table(["ACCOUNT", "STATE", "LAST ROUND TRIP", ""], rows);
    });
  } finally {
    client.close();
  }
}

async function act(verb: string, channel: string, options: AccountOptions, context: CliContext): Promise<void> {
  const client = await context.connect(options);
  try {
    const params = { channel, ...(options.account === undefined ? {} : { accountId: options.account }) };
    const done = await client.call(`channels.${verb}`, params);
    context.output.result(done, () => `${verb}: done`);
  } finally {
    client.close();
  }
}

function roundTrip(ageMs: unknown): string {
  return typeof ageMs === "number" ? `${duration(ageMs)} ago` : "none yet";
}
