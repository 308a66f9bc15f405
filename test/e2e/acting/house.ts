/** A gateway with a model that asks for what is written to it, and the ways in which these tests look at what comes of it. */
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { expect } from "vitest";
import { startModelEmulator, type ModelEmulator } from "../../../src/drill/model-emulator/server.ts";
import type { WireClient } from "../../../src/gateway/wire-client.fixture.ts";
import type { ResultOf } from "../../../src/protocol/method.ts";
import type { approvalGet } from "../../../src/protocol/methods/approvals.ts";
import {
  configWith,
  newStateDir,
  runCommand,
  startGateway,
  type CommandResult,
  type GatewayProcess,
} from "../gateway-process.ts";
import { client, complete } from "../observe.ts";
import { placeOf, scriptedReply } from "./scripted-model.ts";

export type Shown = ResultOf<typeof approvalGet>;

/** Other work of the machine may take its processors away for seconds. */
export const patience = { timeout: 15_000, interval: 30 };

export interface House {
  readonly model: ModelEmulator;
  readonly stateDir: string;
  readonly workspace: string;
  readonly gateway: GatewayProcess;
  /** Starts it, anew where it ended; `env` is added to its environment. */
  start(part?: { readonly config?: object; readonly env?: Readonly<Record<string, string>> }): Promise<GatewayProcess>;
  run(...args: readonly string[]): Promise<CommandResult>;
  close(): Promise<void>;
}

export async function openHouse(config: Readonly<Record<string, unknown>> = {}): Promise<House> {
  const model = await startModelEmulator({ script: scriptedReply });
  const { stateDir, remove } = await newStateDir();
  const workspace = path.join(stateDir, "workspace");
  await mkdir(workspace);
  let gateway: GatewayProcess | null = null;
  const running = (): GatewayProcess => {
    if (gateway === null) throw new Error("the gateway was not started");
    return gateway;
  };
  return {
    model,
    stateDir,
    workspace,
    get gateway() {
      return running();
    },
    async start({ config: other = config, env = {} } = {}) {
      gateway = await startGateway({ stateDir, config: configWith(model.url, { ...other }), env });
      return gateway;
    },
    run: (...args) =>
      runCommand(args, { stateDir, env: { OPENCLAW_GATEWAY_PORT: String(gateway?.port ?? 9) }, cwd: stateDir }),
    async close() {
      await gateway?.kill("SIGKILL");
      await model.close();
      await remove();
    },
  };
}

/** Nobody is connected who could be asked: the answer of a turn over HTTP. */
export async function said(house: House, text: string): Promise<string> {
  const answer = await complete(house.gateway, text);
  expect(answer.status, answer.text).toBe(200);
  const { choices } = JSON.parse(answer.text) as { choices: { message: { content: string } }[] };
  return choices[0]?.message.content ?? "";
}

/** A person at a page: connected, so that questions can be shown. */
export function person({ gateway }: House): Promise<WireClient> {
  return client(gateway);
}

let sent = 0;

/** Begins a turn of that session. */
export async function say(to: WireClient, message: string, sessionKey = "main"): Promise<string> {
  sent += 1;
  const idempotencyKey = `said-${process.pid}-${sent}`;
  await to.ask("chat.send", { sessionKey, message, idempotencyKey });
  return idempotencyKey;
}

/** Texts of the assistant in that session, oldest first. */
export async function answers(to: WireClient, sessionKey = "main"): Promise<readonly string[]> {
  const { messages } = (await to.ask("chat.history", { sessionKey })) as {
    messages: { role: string; content: readonly { readonly text?: string }[] }[];
  };
  return messages
    .filter(({ role }) => role === "assistant")
    .map(({ content }) => content.map(({ text = "" }) => text).join(""))
    .filter((text) => text !== "");
}

/** Waits until the session has that many answers, and gives the newest. */
export async function answered(to: WireClient, count = 1, sessionKey = "main"): Promise<string> {
  await expect.poll(async () => (await answers(to, sessionKey)).length, patience).toBe(count);
  return (await answers(to, sessionKey)).at(-1) ?? "";
}

export async function openQuestions(to: WireClient): Promise<readonly Shown[]> {
  return ((await to.ask("exec.approval.list")) as { approvals: Shown[] }).approvals;
}

/** The one question that is open, as soon as it is. */
export async function question(to: WireClient): Promise<Shown> {
  await expect.poll(async () => (await openQuestions(to)).length, patience).toBe(1);
  const [only] = await openQuestions(to);
  if (only === undefined) throw new Error("the question is gone");
  return only;
}

/** How often the model was asked at each place of each turn: more than once is paid twice. */
export function paidTwice({ requests }: ModelEmulator): readonly string[] {
  const places = requests.map((request) => {
    const { text, results } = placeOf(request);
    return `${text.split("\n")[0]} behind ${results.length} results`;
  });
  return places.filter((place, index) => places.indexOf(place) !== index);
}
