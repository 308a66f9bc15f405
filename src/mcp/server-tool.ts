/**
 * A tool of a server as a tool of the house. What the server says of itself gives it nothing: only the operator says that a
 * tool changes nothing, and all that comes back is another's words.
 */
import { z } from "zod";
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import type { Tool, ToolOutput } from "../tools/contract.ts";
import { resultText } from "./call-result.ts";
import type { McpServer } from "./server.ts";
import type { ListedTool } from "./tool-list.ts";

type Input = Readonly<Record<string, unknown>>;

export interface ServerToolDeps {
  /** The server as it is configured now. Throws RUN_003 where that agent may not use it, or this tool of it, any more. */
  readonly find: (agentId: string) => McpServer;
  readonly redact: (text: string) => string;
}

export function serverTool(server: McpServer, listed: ListedTool, { find, redact }: ServerToolDeps): Tool<Input> {
  const { name, settings } = server;
  const readOnly = settings.readOnly.includes(listed.name);
  return {
    name: listed.shownName,
    description: listed.description,
    inputSchema: z.record(z.string(), z.unknown()),
    shownSchema: listed.schema,
    effect: readOnly || listed.saysRepeatable ? "idempotent" : "unsafe",
    timeoutMs: () => settings.timeoutSeconds * 1_000,
    // oxlint-disable-next-line typescript/require-await -- a call that makes no sense is a rejection, as the contract says.
    plan: async (input) => ({
      kind: "server",
      server: name,
      tool: listed.name,
      readOnly,
      text: boundedJson(listed.shownName, input),
    }),
    async run(input, { agentId, signal }) {
      boundedJson(listed.shownName, input);
      return outputOf(await ask(find(agentId), { tool: listed.name, input, signal }), name, redact);
    },
  };
}

/** A failure in the server's words is an output as well: it has to be wrapped like any other of its words. */
function outputOf(answer: Asked, server: string, redact: (text: string) => string): ToolOutput {
  const { text, failed } = answer;
  const from = { class: "foreign", source: `MCP server ${server}` } as const;
  return { text: redact(failed ? `The call failed. The server says:\n${text}` : text), from };
}

interface Asked {
  readonly text: string;
  readonly failed: boolean;
}

async function ask(
  server: McpServer,
  { tool, input, signal }: { readonly tool: string; readonly input: Input; readonly signal: AbortSignal },
): Promise<Asked> {
  try {
    const answer = await server.call(tool, input, signal);
    return answer.kind === "refused" ? { text: answer.words, failed: true } : resultText(answer.result);
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    const error = AppError.from(thrown, "CONN_001");
    throw new AppError(
      "RUN_003",
      `The MCP server ${server.name} gave no answer: ${error.message} Whether the call had an effect is not known. Look before you repeat it, or go on without it.`,
      { cause: error },
    );
  }
}

function boundedJson(name: string, input: Input): string {
  const text = JSON.stringify(input);
  if (Buffer.byteLength(text) <= limits.mcpInputBytes) return text;
  throw new AppError(
    "RUN_003",
    `The input of ${name} is larger than ${limits.mcpInputBytes} bytes. Send less at once.`,
  );
}
