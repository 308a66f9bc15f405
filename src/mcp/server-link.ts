/**
 * One connection to one server, through the protocol's own library; loaded with the first one. Asks for the list of tools
 * and for calls, and nothing else: it offers the server neither models nor people nor folders.
 */
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { McpError, ToolListChangedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import type { JsonSchemaValidatorResult, jsonSchemaValidator } from "@modelcontextprotocol/sdk/validation/types.js";
import { z } from "zod";
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import { serverEnvironment } from "./environment.ts";
import { openHttpTransport } from "./http-transport.ts";
import type { McpDeps, ServerSettings } from "./settings.ts";
import { oneLine } from "./shown-schema.ts";
import { StdioTransport } from "./stdio-transport.ts";
import { WatchedTransport } from "./watched-transport.ts";

export type CallAnswer =
  | { readonly kind: "result"; readonly result: Readonly<Record<string, unknown>> }
  /** The server would not; `words` are its own. */
  | { readonly kind: "refused"; readonly words: string };

export interface ServerLink {
  /** All that the server lists, as it lists it, bounded in pages. Throws CONN_001. */
  list(signal: AbortSignal): Promise<readonly unknown[]>;
  /** Throws CONN_001 where no answer came, and the signal's reason; no word of the server is in either. */
  call(name: string, input: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<CallAnswer>;
  /** Resolves when nothing of it is left. Idempotent. */
  close(): Promise<void>;
}

export interface LinkEvents {
  /** Once, whoever ended it. `why`: for people; null where nothing is amiss. */
  readonly onClose: (why: string | null) => void;
  readonly onListChanged: () => void;
}

/** Resolves when the server has said hello. Throws CONN_001, SYS_008 or SEC_005; nothing is left of it then. */
export async function openServerLink(
  { name, settings }: { readonly name: string; readonly settings: ServerSettings },
  { deps, events, signal }: { readonly deps: McpDeps; readonly events: LinkEvents; readonly signal: AbortSignal },
): Promise<ServerLink> {
  const transport = new WatchedTransport(transportOf(settings, deps, deps.log.child(name)), deps.clock);
  const client = new Client(
    { name: "openclaw", version: deps.version },
    // Output schemas are the server's: compiling them would run what it made up.
    { capabilities: {}, jsonSchemaValidator: trusting },
  );
  let trouble: string | null = null;
  let isOver = false;
  client.onerror = (error) => {
    if (error instanceof AppError) trouble ??= error.message;
  };
  client.onclose = () => {
    isOver = true;
    events.onClose(trouble);
  };
  client.setNotificationHandler(ToolListChangedNotificationSchema, events.onListChanged);
  const close = async (): Promise<void> => {
    await client.close();
    if (!isOver) await transport.close();
  };
  try {
    await client.connect(transport, { signal, timeout: never });
  } catch (thrown) {
    await transport.close();
    throw signal.aborted ? signal.reason : lostLink(thrown, trouble);
  }
  return {
    list: (stop) => listAll(client, stop).catch((thrown: unknown) => fail(thrown, stop)),
    async call(tool, input, stop) {
      try {
        const params = { name: tool, arguments: { ...input } };
        const result = await client.request({ method: "tools/call", params }, anyResult, {
          signal: stop,
          timeout: never,
        });
        return { kind: "result", result };
      } catch (thrown) {
        if (thrown instanceof McpError && !isOver && !stop.aborted) return { kind: "refused", words: thrown.message };
        return fail(thrown, stop);
      }
    },
    close,
  };

  function fail(thrown: unknown, stop: AbortSignal): never {
    throw stop.aborted ? stop.reason : lostLink(thrown, trouble);
  }
}

/** Time is the house's to keep: the library's own timer is set as far as it goes. */
const never = 2 ** 31 - 1;

const anyResult = z.looseObject({});
const listPage = z.looseObject({ tools: z.array(z.unknown()), nextCursor: z.string().max(4_096).optional() });

async function listAll(client: Client, signal: AbortSignal): Promise<readonly unknown[]> {
  const tools: unknown[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < limits.mcpListPages; page += 1) {
    const params = cursor === undefined ? {} : { cursor };
    const told = await client.request({ method: "tools/list", params }, listPage, { signal, timeout: never });
    tools.push(...told.tools.slice(0, mostTools));
    cursor = told.nextCursor;
    if (cursor === undefined) break;
  }
  return tools;
}

/** Of a page, before any is chosen. */
const mostTools = 1_000;

function transportOf(settings: ServerSettings, deps: McpDeps, log: McpDeps["log"]): Transport {
  const { command, args, env, cwd, url } = settings;
  const { clock, resolve } = deps;
  if (url !== undefined) {
    return openHttpTransport({ url, settings, clock, log, ...(resolve === undefined ? {} : { resolve }) });
  }
  return new StdioTransport({
    argv: [command ?? "", ...args],
    env: serverEnvironment(deps.hostEnvironment(), env),
    cwd: cwd ?? deps.homeDir,
    clock,
    log,
  });
}

/** Words of the library may be the server's: they stay in `cause`, which no model reads. */
function lostLink(thrown: unknown, trouble: string | null): AppError {
  for (let cause = thrown, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth += 1) {
    if (cause instanceof AppError) return cause;
  }
  const status = thrown instanceof Error && "code" in thrown && Number.isInteger(thrown.code) ? thrown.code : null;
  const why =
    trouble ??
    (typeof status === "number" && status > 99
      ? `It answered with status ${status}.`
      : "It did not answer as the protocol says, or ended.");
  return new AppError("CONN_001", why, {
    cause: thrown,
    details: { said: oneLine(thrown instanceof Error ? thrown.message : String(thrown), 256) },
  });
}

const trusting: jsonSchemaValidator = {
  getValidator<T>() {
    return (value: unknown): JsonSchemaValidatorResult<T> => ({
      valid: true,
      data: value as T,
      errorMessage: undefined,
    });
  },
};
