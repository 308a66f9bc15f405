/**
 * A house as it is put together, with real policy, real judging of commands, real questions and real tools, but for the last
 * step into the world: that is written down instead of done. For tests of what a model does that obeys what it reads.
 */
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { z } from "zod";
import type { ActQuestion, Answer } from "../approvals/contract.ts";
import type { Config } from "../config/schema/root.ts";
import type { Act } from "../domain/act.ts";
import { AppError } from "../domain/app-error.ts";
import type { AdmitRequest } from "../inbound/contract.ts";
import { noMentions, type Content, type InboundMessage } from "../domain/message.ts";
import type { Taint } from "../domain/taint.ts";
import { memoryDocuments } from "../exec/world.fixture.ts";
import { createMemory } from "../memory/create-memory.ts";
import { createEgress } from "../platform/egress.ts";
import { silentLog } from "../platform/log.ts";
import { systemClock } from "../platform/clock.ts";
import { systemIds } from "../platform/ids.ts";
import { createSurroundings } from "../skills/surroundings.ts";
import type { Tool } from "../tools/contract.ts";
import { createTools } from "../tools/registry.ts";
import { commandBench, deskThatSays } from "../tools/running/processes.fixture.ts";
import type { Processes } from "../tools/running/processes.ts";
import type { ErrandPort, SessionsPort } from "../tools/sessions/port.ts";
import type { SayPort } from "../tools/say-port.ts";
import { createProvenance, type Provenance } from "../tools/workspace/provenance.ts";
import { openCommandDesk } from "./acting/command-desk.ts";
import { createMemoryNotes } from "./acting/memory-notes.ts";
import { createHousePolicy } from "./acting/policy-view.ts";
import { chatRequest, ircConfig, ircRequest, openTestWay, type Script, type TestWay } from "./way.fixture.ts";

export interface Page {
  readonly text: string;
  /** Where its server sends whoever asks. */
  readonly redirect?: string;
}

export interface InjectedHouse {
  readonly house: TestWay;
  readonly workspace: string;
  readonly provenance: Provenance;
  /** What reached the world, one line each: it would have been done. */
  readonly effects: string[];
  /** Every question, in order. */
  readonly questions: ActQuestion[];
  /** Addresses that were asked for. */
  readonly fetched: string[];
  readonly pages: Map<string, Page>;
  /** What the tools give that stand for others: by tool and the name in their input. */
  readonly carried: Map<string, { readonly text: string; readonly from: Taint; readonly fails?: boolean }>;
  /** Every file of the workspace, with its words. */
  files(): Promise<Readonly<Record<string, string>>>;
  close(): Promise<void>;
}

export interface InjectedHouseOptions {
  readonly script: Script;
  readonly change?: (config: Config) => void;
  readonly answer: (question: ActQuestion) => Answer;
}

/** A configuration in which the acts of the corpus are possible at all: there is another agent, and an owner on IRC. */
export function injectedConfig(workspace: string, change: (config: Config) => void = () => undefined): Config {
  const config = structuredClone(ircConfig()) as Config;
  config.agents.defaults.workspace = workspace;
  config.agents.list = [
    { id: "main", default: true, workspace, subagents: { allowAgents: ["work"] } },
    { id: "work", workspace },
  ] as Config["agents"]["list"];
  // One owner a case: nobody writes faster than a person may.
  config.commands.ownerAllowFrom = Array.from({ length: 1_000 }, (_, index) => `irc:account:c${index}`);
  config.approvals.exec.enabled = true;
  config.memory.search.enabled = false;
  config.tools.web.search = { enabled: true, provider: "searxng", baseUrl: "http://127.0.0.1:9" } as never;
  change(config);
  return config;
}

export async function openInjectedHouse(options: InjectedHouseOptions): Promise<InjectedHouse> {
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), "openclaw-injected-")));
  const workspace = path.join(folder, "state", "workspace");
  await mkdir(workspace, { recursive: true, mode: 0o700 });
  for (const [name, text] of Object.entries(canaries))
    await writeFile(path.join(workspace, name), text, { mode: name.endsWith(".sh") ? 0o700 : 0o600 });
  const config = injectedConfig(workspace, options.change);
  const [clock, ids, log] = [systemClock(), systemIds(), silentLog()];
  const documents = memoryDocuments();
  const commands = openCommandDesk({
    documents,
    config: () => config,
    hostEnvironment: () => ({ HOME: path.join(folder, "home"), PATH: "/usr/local/bin:/usr/bin:/bin" }),
    clock,
    ids,
    log,
    stateDir: path.join(folder, "state"),
    configPath: path.join(folder, "state", "openclaw.json"),
  });
  const { policy } = createHousePolicy(() => config, commands);
  const embeddings = { wanted: () => null, open: () => Promise.reject(new Error("no vectors here")) as never };
  const memory = createMemory({
    stateDir: path.join(folder, "state"),
    config: () => config,
    embeddings,
    clock,
    ids,
    log,
  });
  const bench = await commandBench();
  const provenance = createProvenance({ documents, clock });
  const effects: string[] = [];
  const questions: ActQuestion[] = [];
  const world: World = { effects, fetched: [], pages: new Map(), carried: new Map(), real: bench.processes };
  const surroundings = createSurroundings({
    config: () => config,
    variables: () => ({}),
    managedDir: path.join(folder, "skills"),
    bundledDir: null,
    clock,
    log,
  });
  const house = await openTestWay({
    script: options.script,
    config,
    tools: [...realTools({ world, memory, provenance, config }), ...otherTools(world)],
    acting: { policy, commands, surroundings },
    notes: createMemoryNotes(() => config),
  });
  house.approvals.listen({
    id: "test",
    reaches: () => true,
    asked(row, question) {
      questions.push(question);
      void house.approvals.answer(row.id, options.answer(question), { id: "token:gateway", via: "gateway" });
    },
    resolved: () => undefined,
  });
  await house.way.start();
  const { fetched, pages, carried } = world;
  return {
    house,
    workspace,
    provenance,
    effects,
    questions,
    fetched,
    pages,
    carried,
    files: () => filesIn(workspace),
    async close() {
      await house.close();
      await commands.close();
      await memory.close();
      await bench.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What stands in the workspace before anybody has read anything. */
export const canaries: Readonly<Record<string, string>> = {
  "SOUL.md": "Be kind.",
  "AGENTS.md": "Work with care.",
  "USER.md": "Ada.",
  "HEARTBEAT.md": "Look after the tea.",
  "build.sh": "#!/bin/sh\nexit 0\n",
  "update.sh": "exit 0\n",
  Makefile: "install:\n\ttrue\n",
};

interface World {
  readonly effects: string[];
  readonly fetched: string[];
  readonly pages: Map<string, Page>;
  readonly carried: InjectedHouse["carried"];
  readonly real: Processes;
}

interface RealTools {
  readonly world: World;
  readonly memory: ReturnType<typeof createMemory>;
  readonly provenance: Provenance;
  readonly config: Config;
}

function realTools({ world, memory, provenance, config }: RealTools): readonly Tool[] {
  const guard = createEgress({ allowPrivate: () => false, log: silentLog() });
  const egress = {
    check: (url: string | URL) => guard.check(url),
    fetch: (url: string | URL | { readonly url: URL }) =>
      Promise.resolve(pageAt(typeof url === "object" && "url" in url ? url.url.href : String(url), world)),
  };
  const web = {
    fetch: {
      egress,
      clock: systemClock(),
      maxChars: () => 50_000,
      version: "1.0.0",
      read: ({ html }: { readonly html: string }) => Promise.resolve({ title: "", markdown: html }),
    },
    search: { egress, settings: () => undefined },
    image: { egress, vision: {}, header: {} },
  };
  const tools = createTools({
    files: { provenance },
    commands: { processes: recording(world), sandbox: deskThatSays({ kind: "open" }), timeoutSeconds: () => 20 },
    web: web as never,
    memory: { memory },
    skills: { skills: () => Promise.resolve([]) },
    talk: { ...talkPorts(world), config: () => config },
  });
  const replaced = new Set(["image", "memory_search", "sessions_history", "process", "web_search"]);
  return tools.filter(({ name }) => !replaced.has(name));
}

function pageAt(url: string, { fetched, pages }: World): Response {
  fetched.push(url);
  const page = pages.get(url);
  if (page?.redirect !== undefined) return pageAt(page.redirect, { fetched, pages } as World);
  const response = new Response(page?.text ?? "nothing here", { headers: { "content-type": "text/plain" } });
  Object.defineProperty(response, "url", { value: url });
  return response;
}

/** Only what does nothing is really run. */
function recording({ effects, real }: World): Processes {
  return {
    start(wanted: Parameters<Processes["start"]>[0]) {
      effects.push(`exec ${wanted.text}`);
      if (wanted.text === "true") return real.start(wanted);
      throw new AppError("RUN_003", "It was written down and not run.");
    },
    forget: (id: string) => real.forget(id),
  } as unknown as Processes;
}

function talkPorts({ effects }: World): { sessions: SessionsPort; errands: ErrandPort; say: SayPort } {
  return {
    say: {
      chat: ({ channel = "webchat", chatId, accountId = "default" }) =>
        Promise.resolve({ channel, accountId, chatId, chatKind: "dm" }),
      stands: () => Promise.resolve(false),
      put: ({ markdown }) => Promise.resolve(void effects.push(`message ${markdown}`)),
    },
    sessions: {
      list: () => Promise.resolve([]),
      find: (_asker, named) =>
        Promise.resolve({
          sessionKey: named,
          agentId: "main",
          label: null,
          updatedMs: 0,
          messageCount: 1,
          spawnedBy: null,
        }),
      lines: () => Promise.resolve([]),
    },
    errands: {
      spawn: ({ text }) => Promise.resolve(void effects.push(`sessions_spawn ${text}`)),
      send: ({ text }) => Promise.resolve(void effects.push(`sessions_send ${text}`)),
      wait: () => Promise.resolve({ state: "running" }),
    },
  };
}

/** Those that bring other people's words in, and those of another program. */
function otherTools(world: World): readonly Tool[] {
  const server = (tool: string, readOnly: boolean) => (): Promise<Act> =>
    Promise.resolve({ kind: "server", server: "tracker", tool, readOnly });
  const carrier = (name: string, plan?: Tool["plan"]): Tool => ({
    name,
    description: name,
    inputSchema: z.object({ name: z.string() }),
    effect: "pure",
    ...(plan === undefined ? {} : { plan }),
    run(input) {
      const found = world.carried.get((input as { name: string }).name);
      if (found === undefined) throw new AppError("RUN_003", "There is nothing of that name.");
      if (found.fails === true) throw new AppError("RUN_003", found.text);
      return Promise.resolve({ text: found.text, from: found.from });
    },
  });
  return [
    ...["image", "memory_search", "sessions_history", "process", "web_search"].map((name) => carrier(name)),
    carrier("mcp__tracker__get_issue", server("get_issue", true)),
    {
      name: "mcp__tracker__create_issue",
      description: "Makes an issue.",
      inputSchema: z.object({ title: z.string(), body: z.string() }),
      effect: "unsafe",
      plan: server("create_issue", false),
      run: (input) => {
        world.effects.push(`mcp__tracker__create_issue ${(input as { title: string }).title}`);
        return Promise.resolve("It is made.");
      },
    },
  ];
}

async function filesIn(folder: string): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    found[path.relative(folder, file)] = await readFile(file, "utf8");
  }
  return found;
}

const usage = { input: 3, output: 1, cacheRead: 0, cacheWrite: 0 };

// ---------------------------------------------------------------- the model

export interface Call {
  readonly tool: string;
  readonly input: unknown;
}

/** What the person of one case says, and what the model then calls, one after the other. */
export type Plan = ReadonlyMap<string, readonly Call[]>;

/** What it answers where it is asked for a summary, and for notes. */
const asides = [
  ["You write the memory", "They talked about tea."],
  ["You keep an assistant's notes", "- Somebody likes tea."],
] as const;

/** `[case 7b]` in the newest words of the person says which calls are to be made; then it says that it is done. */
export function obedient(plan: Plan): Script {
  return async function* ({ system, messages }) {
    const beside = asides.find(([head]) => system.startsWith(head));
    if (beside !== undefined) {
      yield { type: "text", text: beside[1] };
      yield { type: "end", reason: "stop", usage };
      return;
    }
    const from = messages.findLastIndex(({ role }) => role === "user");
    const [, name = ""] = /\[case (\w+)\]/.exec(JSON.stringify(messages[from])) ?? [];
    const done = messages.slice(from).flatMap((message) => (message.role === "tool" ? message.results : [])).length;
    const next = plan.get(name)?.[done];
    if (next === undefined) yield { type: "text", text: `Done. ${"Plain words. ".repeat(40)}` };
    else yield { type: "tool-call", callId: `${name}-${done}`, tool: next.tool, input: next.input };
    yield { type: "end", reason: next === undefined ? "stop" : "tool-calls", usage };
  };
}

export interface Said {
  readonly content?: readonly Content[];
  readonly group?: boolean;
  readonly words?: string;
  /** How it comes in, where not by a person at the gateway. */
  readonly part?: Partial<Omit<AdmitRequest, "message">>;
  /** In place of all words. */
  readonly command?: string;
}

/** One message of a case, by an owner of its own; resolves to how its turn ended. */
export async function say(
  to: InjectedHouse,
  name: string,
  step: string,
  { content = [], group = false, words: more = "Have a look, please.", command, part: entry = {} }: Said = {},
): Promise<string> {
  const words = { type: "text", text: command ?? `[case ${name}${step}] ${more}` } as const;
  const part: Partial<InboundMessage> = { content: [words, ...content], mentions: { ...noMentions, self: true } };
  const request = group
    ? ircRequest("", { chatId: `#${name}`, senderId: `account:${name}`, message: part })
    : chatRequest("", {
        sessionKey: `agent:main:${name}`,
        ...entry,
        message: {
          ...part,
          sender: { id: `token:${name}` },
          raw: { scopes: ["operator.write", "operator.admin"] },
          address: { channel: "webchat", accountId: "default", chatId: name, chatKind: "dm" },
        },
      });
  const admission = await to.house.way.admit(request);
  if (admission.outcome !== "accepted") throw new Error(`not taken in: ${JSON.stringify(admission)}`);
  const end = await to.house.next("run.ended", ({ runId }) => runId === admission.runId);
  return end.error === undefined ? end.outcome : `${end.outcome} ${JSON.stringify(end.error)}`;
}
