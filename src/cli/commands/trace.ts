/** `openclaw trace`: the way of one message, event by event, with the time between them and the reasons. */
import type { Command } from "commander";
import type { ResultOf } from "../../protocol/method.ts";
import type { traceGet } from "../../protocol/methods/trace.ts";
import { withConnection, withGateway } from "../connect-options.ts";
import type { CliContext, ConnectOptions } from "../contract.ts";
import type { Output } from "../output.ts";
import { excerptOf, momentOf } from "../shown-rows.ts";

export function register(program: Command, context: CliContext): void {
  withConnection(program.command("trace").description("Show what happened to a message, and when"))
    .argument("<id>", "of the message, its run or a part, or channel:account:chat:id as the platform knows it")
    .action((id: string, options: ConnectOptions) =>
      withGateway(options, context, async (client) => {
        const found = await client.call<typeof traceGet>("trace.get", { id });
        context.output.result(found, (value) => waterfall(value, context.output));
      }),
    );
}

type Trace = ResultOf<typeof traceGet>;

function waterfall(trace: Trace, output: Output): string {
  const rows = trace.events.map(({ atMs, gapMs, what, why }, index) => [
    clockTime(atMs),
    index === 0 ? "" : gapText(gapMs),
    what,
    why ?? "",
  ]);
  const lines = [...head(trace, output), "", output.table(["TIME (UTC)", "", "WHAT", "WHY"], rows)];
  return [...lines, "", `${trace.events.length} events in ${gapText(trace.tookMs).slice(1)}`].join("\n");
}

function head({ message, messageId, runId, sessionKey, parts, events }: Trace, output: Output): readonly string[] {
  const lines = [];
  const [first] = events;
  if (messageId !== null) lines.push(`${output.bold("message")}  ${messageId}`);
  if (message !== null) {
    // A name is its owner's to choose, and stays on its line.
    const who = excerptOf(message.senderName ?? message.senderId);
    lines.push(`${output.bold("from")}     ${who} in ${message.channel}/${message.accountId} ${message.chatId}`);
    lines.push(`${output.bold("state")}    ${message.state}${message.reason === null ? "" : ` (${message.reason})`}`);
  }
  if (runId !== null) lines.push(`${output.bold("run")}      ${runId}`);
  if (sessionKey !== null) lines.push(`${output.bold("session")}  ${sessionKey}`);
  for (const part of parts) {
    const ids = part.platformMessageIds.length === 0 ? "" : ` as ${part.platformMessageIds.join(", ")}`;
    lines.push(`${output.bold("part")}     ${part.id}: ${part.state}${ids}`);
  }
  if (first !== undefined) lines.push(`${output.bold("began")}    ${momentOf(first.atMs)}`);
  return lines;
}

/** `12:00:00.123`: the day stands above. */
function clockTime(ms: number): string {
  return new Date(ms).toISOString().slice(11, 23);
}

function gapText(ms: number): string {
  if (ms < 10_000) return `+${ms} ms`;
  if (ms < 600_000) return `+${(ms / 1_000).toFixed(1)} s`;
  return ms < 36_000_000 ? `+${Math.round(ms / 60_000)} min` : `+${Math.round(ms / 3_600_000)} h`;
}
