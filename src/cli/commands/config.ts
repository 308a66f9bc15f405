/** `openclaw config`: read, change and check the configuration. Works through the gateway, and without one on the file. */
import type { Command } from "commander";
import JSON5 from "json5";
import { AppError } from "../../domain/app-error.ts";
import { openConfig, type ConfigPort } from "../config-port.ts";
import { issueText } from "../config-issue.ts";
import { shownValue } from "../shown-value.ts";
import { withConnection } from "../connect-options.ts";
import type { CliContext, ConnectOptions } from "../contract.ts";
import { textOf } from "./status.ts";

export function register(program: Command, context: CliContext): void {
  const config = program.command("config").description("Read, change and check the configuration");
  const verb = (name: string, summary: string): Command => withConnection(config.command(name).description(summary));
  verb("get", "Print what is in force, or one value of it; secrets are hidden")
    .argument("[path]", "e.g. agents.defaults.model.primary")
    .action((path: string | undefined, options: ConnectOptions) =>
      within(options, context, (port) => show(port, path, context)),
    );
  verb("set", "Change one value in the file")
    .argument("<path>", 'e.g. channels.irc.nick or agents.list[0]["name"]')
    .argument("<value>", "JSON5, or text")
    .option("--dry-run", "show what would change")
    .action((path: string, value: string, options: ConnectOptions & { dryRun?: boolean }) =>
      change({ path, value: valueOf(value), remove: false }, options, context),
    );
  verb("unset", "Remove one value from the file")
    .argument("<path>")
    .option("--dry-run", "show what would change")
    .action((path: string, options: ConnectOptions & { dryRun?: boolean }) =>
      change({ path, value: undefined, remove: true }, options, context),
    );
  config
    .command("validate")
    .description("Check the file: mistakes by path and line")
    .argument("[file]", "another file than the one in use")
    .action((file: string | undefined) => validate(file, context));
  verb("schema", "Print the JSON Schema of the file").action((options: ConnectOptions) =>
    within(options, context, async (port) => context.output.result(await port.schema(), jsonText)),
  );
  verb("diff", "Show where the file differs from what the gateway read").action((options: ConnectOptions) =>
    diff(options, context),
  );
}

interface Change {
  readonly path: string;
  readonly value: unknown;
  readonly remove: boolean;
}

async function within(
  options: ConnectOptions,
  context: CliContext,
  work: (port: ConfigPort) => Promise<void>,
): Promise<void> {
  const port = await openConfig(options, context);
  try {
    await work(port);
  } finally {
    await port.close();
  }
}

/** Nothing set is no value: a script that asked for one must not go on with the word "null". */
async function show(port: ConfigPort, path: string | undefined, { output, exit }: CliContext): Promise<void> {
  const value = await port.get(path);
  if (value === undefined || value === null) {
    if (output.json) output.result(null, jsonText);
    else output.note(`${path ?? "The configuration"} is not set.`);
    exit(1);
    return;
  }
  output.result(value, jsonText);
}

async function change(
  wanted: Change,
  options: ConnectOptions & { dryRun?: boolean },
  context: CliContext,
): Promise<void> {
  await within(options, context, async (port) => {
    const before = await port.get(wanted.path);
    if (options.dryRun !== true) await port.set(wanted.path, wanted.remove ? undefined : wanted.value);
    // What is removed gives way to its default.
    const left = options.dryRun === true ? undefined : await port.get(wanted.path);
    const summary = {
      path: wanted.path,
      before,
      after: wanted.remove ? (left ?? null) : await shownValue(wanted.path, wanted.value),
      dryRun: options.dryRun === true,
    };
    const words = options.dryRun === true ? "would change" : wanted.remove ? "removed" : "set";
    context.output.result(
      summary,
      (value) => `${words}: ${value.path}\n  before: ${jsonText(value.before)}\n  after:  ${jsonText(value.after)}`,
    );
    if (!wanted.remove && options.dryRun !== true) await warn(port, wanted.path, context);
  });
}

/** A slip in a name is kept and has no effect: nobody would look for it in `validate`. */
async function warn(port: ConfigPort, path: string, { output }: CliContext): Promise<void> {
  for (const issue of await port.issues()) {
    const concerns = issue.path === path || path.startsWith(`${issue.path}.`) || issue.path.startsWith(`${path}.`);
    if (issue.path !== "" && concerns) output.note(`${issue.severity}: ${issue.path} ${issue.message}`);
  }
}

async function validate(file: string | undefined, context: CliContext): Promise<void> {
  const { checkConfig } = await import("../../app/check-config.ts");
  const checked = await checkConfig(context.environment, file);
  if (file !== undefined && !checked.exists) throw new AppError("SYS_003", `There is no file ${checked.path}.`);
  context.output.result(checked, (value) => {
    if (value.issues.length > 0)
      return value.issues.map((issue) => `${issue.severity}: ${issueText(issue)}`).join("\n");
    return value.exists ? `${value.path}: no mistakes` : `${value.path}: no such file; the defaults are in force`;
  });
  if (checked.issues.some((issue) => issue.severity === "error")) context.exit(78);
}

async function diff(options: ConnectOptions, context: CliContext): Promise<void> {
  const [{ checkConfig }, { changedPaths }] = await Promise.all([
    import("../../app/check-config.ts"),
    import("../../config/diff.ts"),
  ]);
  const client = await context.connect(options);
  try {
    const running = (await client.call("config.get", {})) as { parsed?: unknown };
    const file = await checkConfig(context.environment, undefined);
    const paths = changedPaths(running.parsed, file.written);
    context.output.result({ paths }, () =>
      paths.length === 0 ? "the gateway runs with what the file says" : paths.map(textOf).join("\n"),
    );
    if (paths.length > 0) context.exit(1);
  } finally {
    client.close();
  }
}

/** JSON5 where it is that, else the words as they are: `set nick claw` needs no quotes. */
function valueOf(text: string): unknown {
  try {
    return JSON5.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    if (/^[[{"']/.test(text.trim()))
      throw new AppError("SYS_003", `The value is not valid JSON5: ${error.message}.`, { cause: error });
    return text;
  }
}

function jsonText(value: unknown): string {
  return value === undefined ? "(not set)" : JSON.stringify(value, null, 2);
}
