/** `openclaw gateway`: run it, ask it, call it, stop or restart it, and the token that opens it. */
import { Option, type Command } from "commander";
import { AppError } from "../../domain/app-error.ts";
import { withConnection } from "../connect-options.ts";
import type { CliContext, ConnectOptions } from "../contract.ts";
import type { GatewayClient } from "../gateway-client.ts";

interface RunOptions {
  readonly port?: string;
  readonly bind?: string;
  readonly token?: string;
  readonly verbose?: boolean;
}

export function register(program: Command, context: CliContext): void {
  const gateway = program.command("gateway").description("Run, inspect, call, stop and restart the gateway");
  gateway
    .command("run")
    .description("Run the gateway in the foreground")
    .option("--port <number>", "port to listen on")
    .addOption(new Option("--bind <where>", "where to listen").choices(["loopback", "lan", "tailnet", "auto"]))
    .option("--token <token>", "token that clients must show")
    .option("--verbose", "show what it does")
    .action((options: RunOptions) => runGateway(options, context));
  withConnection(gateway.command("status").description("Show what runs and how it is")).action(
    async (options: ConnectOptions) => {
      const { printStatus } = await import("./status.ts");
      await printStatus(options, context);
    },
  );
  withConnection(gateway.command("call").description("Call one method and print its answer"))
    .argument("<method>", "e.g. health")
    .option("--params <json>", "parameters as a JSON object", "{}")
    .action((method: string, options: ConnectOptions & { params: string }) => callMethod(method, options, context));
  withConnection(gateway.command("stop").description("Stop the gateway in order")).action((options: ConnectOptions) =>
    stopGateway(options, context),
  );
  withConnection(gateway.command("restart").description("Stop the gateway in order and start it again"))
    .option("--session <key>", "tell the chat of this session when it is back")
    .action((options: ConnectOptions & { session?: string }) => restartGateway(options, context));
  gateway
    .command("token")
    .description("Print the token that clients must show")
    .action(() => printToken(context));
}

async function runGateway(options: RunOptions, context: CliContext): Promise<void> {
  const port = options.port === undefined ? {} : { port: await portOf(options.port) };
  const { runGateway: run } = await import("../../app/gateway-main.ts");
  const { askerOf } = await import("./secrets.ts");
  const askPassphrase = askerOf(context);
  const code = await run({
    environment: context.environment,
    ...(askPassphrase === undefined ? {} : { askPassphrase }),
    ...port,
    ...(options.bind === undefined ? {} : { bind: options.bind }),
    ...(options.token === undefined ? {} : { token: options.token }),
    verbose: options.verbose === true,
    say: (text) => context.output.note(text),
  });
  context.exit(code);
}

/** A port that nobody could listen on is a slip of the fingers here, not a port that is taken. */
async function portOf(text: string): Promise<number> {
  const { parsePort } = await import("../../platform/ports.ts");
  try {
    return parsePort(text, "--port");
  } catch (thrown) {
    throw new AppError("SYS_003", AppError.from(thrown).message, { cause: thrown });
  }
}

async function callMethod(
  method: string,
  options: ConnectOptions & { params: string },
  context: CliContext,
): Promise<void> {
  const params = parseParams(options.params);
  const client = await context.connect(options);
  try {
    const answer = await client.call(method, params);
    context.output.result(answer, (value) => JSON.stringify(value, null, 2));
  } finally {
    client.close();
  }
}

async function stopGateway(options: ConnectOptions, context: CliContext): Promise<void> {
  const client = await context.connect(options);
  await client.call("gateway.stop", { reason: "stopped from the command line" });
  await client.closed;
  context.output.result({ ok: true }, () => "stopped");
}

async function restartGateway(options: ConnectOptions & { session?: string }, context: CliContext): Promise<void> {
  const client = await context.connect(options);
  await client.call("gateway.restart", {
    reason: "restarted from the command line",
    ...(options.session === undefined ? {} : { sessionKey: options.session }),
  });
  await client.closed;
  const back = await connectAgain(options, context);
  back.close();
  context.output.result({ ok: true }, () => "restarted");
}

/** It may take as long as an orderly end may, and a start. */
async function connectAgain(options: ConnectOptions, context: CliContext): Promise<GatewayClient> {
  const { setTimeout: sleep } = await import("node:timers/promises");
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await context.connect(options);
    } catch (thrown) {
      if (AppError.from(thrown).code !== "SYS_002" || attempt >= restartAttempts) throw thrown;
      await sleep(restartPauseMs, undefined, { signal: context.signal });
    }
  }
}

const restartPauseMs = 250;
const restartAttempts = 80;

async function printToken(context: CliContext): Promise<void> {
  const { findGateway } = await import("../find-gateway.ts");
  const { token } = await findGateway({}, context.environment);
  if (token === null)
    throw new AppError("SYS_002", "There is no token yet: the gateway makes it when it first starts.");
  context.output.result({ token }, (value) => value.token);
}

function parseParams(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AppError("SYS_003", "--params is not valid JSON.", { cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new AppError("SYS_003", "--params must be a JSON object.");
  }
  return value as Record<string, unknown>;
}
