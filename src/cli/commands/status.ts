/** `openclaw status`: what runs and how it is. */
import type { Command } from "commander";
import type { budgetGet } from "../../protocol/methods/budget.ts";
import type { status } from "../../protocol/methods/health.ts";
import type { ResultOf } from "../../protocol/method.ts";
import { withConnection } from "../connect-options.ts";
import type { CliContext, ConnectOptions } from "../contract.ts";

export function register(program: Command, context: CliContext): void {
  withConnection(program.command("status").description("Show what runs and how it is")).action(
    (options: ConnectOptions) => printStatus(options, context),
  );
}

/** Also `openclaw gateway status`. */
export async function printStatus(options: ConnectOptions, context: CliContext): Promise<void> {
  const client = await context.connect(options);
  try {
    const state = await client.call<typeof status>("status", {});
    const { pauses } = await client.call<typeof budgetGet>("budget.get", {});
    context.output.result(state, (value) => statusText(value, pauses, context));
    if (!state.ready) context.exit(1);
  } finally {
    client.close();
  }
}

function statusText(
  state: ResultOf<typeof status>,
  pauses: ResultOf<typeof budgetGet>["pauses"],
  { output }: CliContext,
): string {
  const outbox = Object.entries(state.outbox)
    .filter(([name, count]) => count > 0 && name !== "sent")
    .map(([name, count]) => `${count} ${name}`);
  const facts: readonly (readonly [string, string])[] = [
    [
      "gateway",
      `${state.version}, up ${duration(state.uptimeMs)}, ${state.ready ? "ready" : `not ready: ${state.failing.join(", ")}`}`,
    ],
    ["clients", String(state.connections)],
    [
      "agents",
      state.agents
        .map((agent) => `${agent.id}${agent.isDefault ? " (default)" : ""}: ${agent.model ?? "no model"}`)
        .join(", "),
    ],
    ...pauses.map(({ agentId, by }) => ["paused", `${agentId ?? "all agents"}, by ${by}: nothing is spent`] as const),
    ["sessions", String(state.sessions.total)],
    ["inbox", `${state.inbox.queued} waiting, ${state.inbox.running} running`],
    ["outbox", outbox.length === 0 ? "empty" : outbox.join(", ")],
    ["loop delay", `p50 ${state.loopDelay.p50Ms} ms, p99 ${state.loopDelay.p99Ms} ms`],
  ];
  const channels = state.channels.map((channel) => [
    `  ${textOf(channel["channel"])}/${textOf(channel["accountId"])}`,
    textOf(channel["state"]),
    textOf(channel["reason"]),
  ]);
  return [
    ...facts.map(([name, text]) => `${output.bold(name.padEnd(11))} ${text}`),
    output.bold("channels"),
    channels.length === 0 ? "  none" : output.table(["", "", ""], channels).trimStart().replace(/^/, "  "),
  ].join("\n");
}

/** A field of a loosely typed answer, for a person. */
export function textOf(value: unknown): string {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

export function duration(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const parts = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3_600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  return first === -1
    ? "0 s"
    : parts
        .slice(first, first + 2)
        .map(([count, unit]) => `${count} ${unit}`)
        .join(" ");
}
