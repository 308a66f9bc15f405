/** `openclaw policy`: what an agent may do, by which rule, and what another configuration would change about it. */
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { Option } from "commander";
import { AppError } from "../../domain/app-error.ts";
import { chatKinds } from "../../domain/message.ts";
import { turnOrigins } from "../../domain/turn-origin.ts";
import type { ParamsOf, ResultOf } from "../../protocol/method.ts";
import type { policyDiff, policyExplain } from "../../protocol/methods/policy.ts";
import { withConnection, withGateway } from "../connect-options.ts";
import type { CliContext, ConnectOptions } from "../contract.ts";
import type { Output } from "../output.ts";
import { counted, facts, momentOf, type Fact } from "../shown-rows.ts";
import { spanMs } from "../typed-value.ts";

type Asked = ParamsOf<typeof policyExplain>;

interface ExplainOptions extends ConnectOptions {
  readonly tool: string;
  readonly agent?: string;
  readonly sender?: string;
  readonly channel?: string;
  readonly chat?: NonNullable<Asked["chatKind"]>;
  readonly origin?: NonNullable<Asked["origin"]>;
  readonly provider?: string;
  readonly session?: string;
  readonly taint?: readonly string[];
  readonly taintLocal?: readonly string[];
}

interface DiffOptions extends ConnectOptions {
  readonly since: string;
  readonly rules?: boolean;
}

export function register(program: Command, context: CliContext): void {
  const policy = program.command("policy").description("Show what may be done, by which rule, and what would change");
  withConnection(
    policy.command("explain").description("Show what would be decided about a call, and which rule decides"),
  )
    .argument("[words...]", "behind --: the command, path, address or text of the call")
    .requiredOption("--tool <name>", "tool that would be called")
    .option("--agent <id>", "agent that would call it")
    .option("--sender <channel:id>", "who would have written, such as telegram:123")
    .option("--channel <name>", "channel that it would have come by")
    .addOption(new Option("--chat <kind>", "where it would have been written").choices(chatKinds))
    .addOption(new Option("--origin <kind>", "why the turn would run").choices(turnOrigins))
    .option("--provider <name>", "provider of the model that would call it")
    .option("--session <key>", "session of the turn")
    .option("--taint <source...>", "what the assistant would have read elsewhere, such as 'web page x'")
    .option("--taint-local <source...>", "what it would have read in the workspace, such as 'file notes.md'")
    .action((words: readonly string[], options: ExplainOptions) => explain(words, options, context));
  withConnection(
    policy.command("diff").description("Try another configuration on what was decided, and show what changes"),
  )
    .argument("<file>", "the other configuration")
    .option("--since <time>", "how far back, such as 30d or 12h", "30d")
    .option("--rules", "also what another rule would decide the same way")
    .action((file: string, options: DiffOptions) => diff(file, options, context));
}

async function explain(words: readonly string[], options: ExplainOptions, context: CliContext): Promise<void> {
  const params = askedOf(words, options);
  await withGateway(options, context, async (client) => {
    const explained = await client.call<typeof policyExplain>("policy.explain", params);
    context.output.result(explained, (result) => explanationText(result, context.output));
  });
}

function askedOf(words: readonly string[], options: ExplainOptions): Asked {
  const { tool, agent, chat, origin, provider, session, taint = [], taintLocal = [] } = options;
  const sender = options.sender === undefined ? undefined : senderOf(options.sender);
  const channel = options.channel ?? sender?.channel;
  if (sender !== undefined && sender.channel !== channel) {
    throw new AppError("SYS_003", `${options.sender} is no sender of the channel ${channel}.`);
  }
  const sources = [
    ...taint.map((source) => ({ class: "foreign" as const, source })),
    ...taintLocal.map((source) => ({ class: "local" as const, source })),
  ];
  return {
    tool,
    ...(agent === undefined ? {} : { agentId: agent }),
    ...(channel === undefined ? {} : { channel }),
    ...(sender === undefined ? {} : { senderId: sender.id }),
    ...(chat === undefined ? {} : { chatKind: chat }),
    ...(origin === undefined ? {} : { origin }),
    ...(provider === undefined ? {} : { provider }),
    ...(session === undefined ? {} : { sessionKey: session }),
    ...(sources.length === 0 ? {} : { taint: sources }),
    ...(words.length === 0 ? {} : { words: words.join(" ") }),
  };
}

function senderOf(text: string): { channel: string; id: string } {
  const [, channel, id] = /^([^:]+):(.+)$/.exec(text) ?? [];
  if (channel === undefined || id === undefined)
    throw new AppError("SYS_003", "--sender takes channel:id such as telegram:123.");
  return { channel, id };
}

/** The decision in one line, then how it came about. What was assumed of the call is in the JSON, word for word. */
function explanationText(explained: ResultOf<typeof policyExplain>, output: Output): string {
  const { effect, rule, trail, message, question } = explained;
  const rows: Fact[] = [["looked at", trail.map(({ where, says }) => `${where}: ${says}`).join("\n")]];
  if (message !== null) rows.push(["is told", message]);
  if (question !== null) {
    const { shown, reasons, always, fallback } = question;
    rows.push(["is asked", shown], ["asked since", reasons.join("\n")]);
    rows.push(["always", always === null ? "cannot be allowed for good" : `would allow: ${always}`]);
    rows.push(["nobody there", fallback]);
  }
  return `${output.bold(effect)} by ${rule.where}: ${rule.says}\n\n${facts(rows, output)}\n\nall that was assumed: --json`;
}

async function diff(file: string, { since, rules, ...options }: DiffOptions, context: CliContext): Promise<void> {
  const backMs = spanMs(since, "--since");
  const candidate = await candidateOf(file);
  await withGateway(options, context, async (client) => {
    const whole = { looked: 0, skipped: 0, changed: [] as ResultOf<typeof policyDiff>["changed"] };
    for (let cursor: string | null | undefined; cursor !== null;) {
      const params = {
        candidate,
        spanMs: backMs,
        ...(rules === true ? { rules } : {}),
        ...(cursor === undefined ? {} : { cursor }),
      };
      const page = await client.call<typeof policyDiff>("policy.diff", params);
      whole.looked += page.looked;
      whole.skipped += page.skipped;
      whole.changed.push(...page.changed);
      cursor = page.nextCursor;
    }
    context.output.result(whole, () => differenceText(whole, context.output));
  });
}

type Difference = Pick<ResultOf<typeof policyDiff>, "looked" | "skipped" | "changed">;

function differenceText({ looked, skipped, changed }: Difference, output: Output): string {
  const tail = skipped === 0 ? "" : `; ${skipped} not kept whole, and left out`;
  const seen = `${counted(looked, "decision")} looked at`;
  if (changed.length === 0) return `${seen}, none would be otherwise${tail}`;
  const rows = changed.map(({ atMs, agentId, tool, shown, before, now, after }) => [
    momentOf(atMs),
    agentId,
    tool,
    `${before.effect} → ${after.effect}`,
    after.rule,
    now.effect === before.effect ? "" : `today: ${now.effect}`,
    (shown.split("\n")[0] ?? "").slice(0, 60),
  ]);
  const table = output.table(["AT (UTC)", "AGENT", "TOOL", "DECISION", "RULE", "", "WHAT"], rows);
  return `${table}\n\n${seen}, ${changed.length} would be otherwise${tail}`;
}

async function candidateOf(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new AppError("SYS_003", `${file} cannot be read.`, { cause });
  }
}
