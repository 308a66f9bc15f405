/**
 * The configuration as a command sees it: through the gateway where one runs, else on the file itself, by the same
 * writer and under the gateway's own lock, so that no gateway starts in the middle of a change.
 */
import type { ConfigIssue } from "../config/contract.ts";
import { AppError } from "../domain/app-error.ts";
import type { configGet } from "../protocol/methods/config.ts";
import type { CliContext, ConnectOptions } from "./contract.ts";
import type { GatewayClient } from "./gateway-client.ts";
import { patiently } from "./patiently.ts";

/** Over the wire without its place in the file, which is this machine's own. */
export type ShownIssue = Pick<ConfigIssue, "severity" | "path" | "message">;

export interface ConfigPort {
  /** One value or all that is in force, secrets hidden; undefined where nothing is set. */
  get(path?: string): Promise<unknown>;
  /** Undefined removes. */
  set(path: string, value: unknown): Promise<void>;
  schema(): Promise<unknown>;
  /** What is wrong with the file as it is now. */
  issues(): Promise<readonly ShownIssue[]>;
  close(): Promise<void>;
}

export async function openConfig(options: ConnectOptions, context: CliContext): Promise<ConfigPort> {
  try {
    return overGateway(await context.connect(options), context);
  } catch (thrown) {
    const error = AppError.from(thrown);
    // Only where nothing runs: a gateway that refuses us is not to be gone around.
    if (error.code !== "SYS_002" || options.url !== undefined) throw error;
    const { openConfigFile } = await import("../app/config-file.ts");
    return openConfigFile(context.environment);
  }
}

function overGateway(client: GatewayClient, context: CliContext): ConfigPort {
  return {
    async get(path) {
      const { config } = await client.call<typeof configGet>("config.get", path === undefined ? {} : { path });
      // Nothing is null on the wire.
      return config ?? undefined;
    },
    async set(path, value) {
      const params = value === undefined ? { path } : { path, value };
      await patiently(() => client.call("config.set", params), context);
    },
    async schema() {
      return ((await client.call("config.schema", {})) as { schema?: unknown }).schema;
    },
    issues: async () => {
      const { issues } = await client.call<typeof configGet>("config.get", {});
      return issues as unknown as readonly ShownIssue[];
    },
    close: () => {
      client.close();
      return Promise.resolve();
    },
  };
}
