/** Two agents in one real gateway, with models, tools, workspaces, skills and memory of their own: nothing of one shows in the other. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readEnvironment } from "../config/environment.ts";
import { connect, type WireClient } from "../gateway/wire-client.fixture.ts";
import { startGatewayServer, type RunningGateway } from "./compose.ts";

interface Seen {
  readonly model: string;
  readonly tools: readonly string[];
  readonly text: string;
}

let home: string;
let server: Server;
let gateway: RunningGateway;
let client: WireClient;
let token: string;
const seen: Seen[] = [];

const agents = ["home", "work"] as const;
const canary = (agent: string, what: string): string => `canary-${agent}-${what}`;

beforeEach(async () => {
  seen.length = 0;
  home = await mkdtemp(path.join(tmpdir(), "openclaw-home-"));
  const answer = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    if (req.method !== "POST") return void res.writeHead(404).end();
    const text = Buffer.concat(chunks).toString();
    const body = JSON.parse(text) as { model: string; tools?: { function: { name: string } }[] };
    seen.push({ model: body.model, tools: (body.tools ?? []).map(({ function: { name } }) => name), text });
    const part = { id: "c", object: "chat.completion.chunk", created: 1, model: body.model };
    const say = (delta: object, finish: string | null) =>
      `data: ${JSON.stringify({ ...part, choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
    res.writeHead(200, { "content-type": "text/event-stream" });
    res.end(`${say({ role: "assistant", content: `I am ${body.model}.` }, null)}${say({}, "stop")}data: [DONE]\n\n`);
  };
  server = createServer((req, res) => void answer(req, res));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  await writeHouse((server.address() as AddressInfo).port);
  const environment = readEnvironment({ HOME: home, PATH: "/usr/bin:/bin", OLLAMA_HOST: "http://127.0.0.1:9" });
  gateway = await startGatewayServer(0, { environment });
  if (gateway.configIssues.length > 0) throw new Error(gateway.configIssues.join("\n"));
  token = (await readFile(path.join(gateway.stateDir, "gateway.token"), "utf8")).trim();
  client = await connect(gateway.url.replace("http", "ws"), { auth: { token } });
});
afterEach(async () => {
  await gateway.close();
  await new Promise((resolve) => (server.closeAllConnections(), server.close(resolve)));
  await rm(home, { recursive: true, force: true });
});

async function writeHouse(port: number): Promise<void> {
  for (const agent of agents) {
    const workspace = path.join(home, agent);
    await mkdir(path.join(workspace, "skills", `${agent}-skill`), { recursive: true });
    await mkdir(path.join(workspace, "memory"), { recursive: true });
    await writeFile(path.join(workspace, "AGENTS.md"), canary(agent, "agents"));
    await writeFile(path.join(workspace, "notes.md"), canary(agent, "notes"));
    await writeFile(path.join(workspace, "MEMORY.md"), `# Facts\n\nThe colour is ${canary(agent, "memory")}.\n`);
    const skill = `---\nname: ${agent}-skill\ndescription: ${canary(agent, "skill")}\n---\nDo it.\n`;
    await writeFile(path.join(workspace, "skills", `${agent}-skill`, "SKILL.md"), skill);
  }
  const model = (id: string) => ({ id, name: id, contextWindow: 100_000, maxTokens: 1_000 });
  const config = {
    models: {
      providers: {
        local: {
          baseUrl: `http://127.0.0.1:${port}/v1`,
          apiKey: "k",
          api: "openai-completions",
          models: [model("home-model"), model("work-model")],
        },
      },
    },
    agents: {
      list: [
        {
          id: "home",
          default: true,
          model: "local/home-model",
          workspace: path.join(home, "home"),
          tools: { allow: ["time", "read", "memory_search", "sessions_list", "skill"] },
        },
        {
          id: "work",
          model: "local/work-model",
          workspace: path.join(home, "work"),
          tools: { allow: ["time", "read", "write", "memory_search", "sessions_list", "skill"], deny: ["time"] },
        },
      ],
    },
  };
  await mkdir(path.join(home, ".openclaw"), { recursive: true, mode: 0o700 });
  await writeFile(path.join(home, ".openclaw", "openclaw.json"), JSON.stringify(config));
}

async function ask(agent: string): Promise<Seen> {
  const runId = `run-${agent}`;
  await client.ask("agent", { agentId: agent, message: `Hello, ${canary(agent, "words")}`, idempotencyKey: runId });
  expect(await client.ask("agent.wait", { runId, timeoutMs: 15_000 })).toMatchObject({ status: "ok" });
  const found = seen.find(({ model }) => model === `${agent}-model`);
  if (found === undefined) throw new Error(`${agent} was not asked: ${JSON.stringify(seen.map(({ model }) => model))}`);
  return found;
}

interface Invoked {
  readonly status: number;
  readonly text: string;
}

async function invoke(agent: string, tool: string, args: object): Promise<Invoked> {
  const response = await fetch(`${gateway.url}/tools/invoke`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify({ tool, args, sessionKey: `agent:${agent}:main` }),
  });
  return { status: response.status, text: await response.text() };
}

describe("two agents on one gateway", () => {
  it("G7: each is asked by its own model, with its own tools, files, skills and words, and with nothing of the other", async () => {
    for (const agent of agents) await ask(agent);
    for (const agent of agents) {
      const other = agent === "home" ? "work" : "home";
      const { text, tools } = await ask(agent);
      for (const what of ["agents", "skill", "words"]) expect(text, `${agent} ${what}`).toContain(canary(agent, what));
      expect(text).not.toContain(`canary-${other}-`);
      expect(tools.includes("time")).toBe(agent === "home");
      expect(tools.includes("write")).toBe(agent === "work");
      expect(tools).not.toContain("exec");
    }
  });

  it("G7 R121: a tool of one is called for the other neither by name nor by path; memory and sessions stay apart", async () => {
    for (const agent of agents) await ask(agent);
    for (const agent of agents) {
      const other = agent === "home" ? "work" : "home";
      expect((await invoke(agent, "time", {})).status).toBe(agent === "home" ? 200 : 404);
      const write = await invoke(agent, "write", { path: `${agent}.txt`, content: "x" });
      expect([agent, write.status]).toEqual([agent, agent === "work" ? 200 : 404]);
      const own = await invoke(agent, "read", { path: "notes.md" });
      expect(own.text).toContain(canary(agent, "notes"));
      for (const where of [path.join(home, other, "notes.md"), `../${other}/notes.md`]) {
        const read = await invoke(agent, "read", { path: where });
        expect([read.status >= 400, read.text.includes("canary")], `${agent} ${where}: ${read.text}`).toEqual([
          true,
          false,
        ]);
      }
      const memory = await invoke(agent, "memory_search", { query: "colour" });
      expect(memory.text).toContain(canary(agent, "memory"));
      const sessions = await invoke(agent, "sessions_list", {});
      expect(sessions.text).toContain(`agent:${agent}:main`);
      for (const { text } of [own, memory, sessions])
        expect(text).not.toMatch(new RegExp(`canary-${other}|agent:${other}:`));
    }
  });
});
