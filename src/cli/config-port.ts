/**
 * The configuration as a command sees it: through the gateway where one runs, else on the file itself, by the same
 * writer and under the gateway's own lock, so that no gateway starts in the middle of a change.
 */
import { AppError } from "../domain/app-error.ts";
import type { CliContext, ConnectOptions } from "./contract.ts";
import type { GatewayClient } from "./gateway-client.ts";

export interface ConfigPort {
  /** One value or all that is in force, secrets hidden; undefined where nothing is set. */
  get(path?: string): Promise<unknown>;
  /** Undefined removes. */
  set(path: string, value: unknown): Promise<void>;
  schema(): Promise<unknown>;
  close(): Promise<void>;
}

export async function openConfig(options: ConnectOptions, context: CliContext): Promise<ConfigPort> {
  try {
    return overGateway(await context.connect(options));
  } catch (thrown) {
    const error = AppError.from(thrown);
    // Only where nothing runs: a gateway that refuses us is not to be gone around.
    if (error.code !== "SYS_002" || options.url !== undefined) throw error;
    const { openConfigFile } = await import("../app/config-file.ts");
    return openConfigFile(context.environment);
  }
}

function overGateway(client: GatewayClient): ConfigPort {
  return {
    async get(path) {
      const answer = (await client.call("config.get", path === undefined ? {} : { path })) as { config?: unknown };
      return answer.config;
    },
    async set(path, value) {
      await client.call("config.set", value === undefined ? { path } : { path, value });
    },
    async schema() {
      return ((await client.call("config.schema", {})) as { schema?: unknown }).schema;
    },
    close: () => {
      client.close();
      return Promise.resolve();
    },
  };
}
