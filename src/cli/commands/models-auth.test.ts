/** `openclaw models auth` over a state directory of its own, and logins at a page that stands on this machine. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { Command } from "commander";
import { describe, expect, it, onTestFinished } from "vitest";
import { readEnvironment } from "../../config/environment.ts";
import { createVault } from "../../credentials/vault.ts";
import { systemClock } from "../../platform/clock.ts";
import type { CliContext } from "../contract.ts";
import { createOutput } from "../output.ts";
import { register } from "./models.ts";

const canary = "sk-canary-0123456789abcdef";

async function home(config: object = {}, variables: Readonly<Record<string, string>> = {}) {
  const folder = await mkdtemp(path.join(os.tmpdir(), "openclaw-auth-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await mkdir(path.join(folder, ".openclaw"), { mode: 0o700 });
  await writeFile(path.join(folder, ".openclaw", "openclaw.json"), JSON.stringify(config), { mode: 0o600 });
  const environment = readEnvironment({ HOME: folder, OLLAMA_HOST: "http://127.0.0.1:9", ...variables });
  const credentials = path.join(environment.stateDir, "credentials");
  const vault = () => createVault({ folder: credentials, clock: systemClock(), redactor: { add: () => undefined } });
  const said: string[] = [];

  /** What was printed; every line of it is kept in `said` as well. */
  async function openclaw(
    words: string,
    stdin = "",
    onNote: (text: string) => void = () => undefined,
  ): Promise<string> {
    let printed = "";
    const out = { write: (text: string) => void (printed += text) };
    const notes = {
      write: (text: string) => {
        said.push(text);
        onNote(text);
      },
    };
    const context: Partial<CliContext> = {
      environment,
      output: createOutput({ stdout: out, stderr: notes }, { json: words.includes("--json"), colour: false }),
      stdin: Readable.from([Buffer.from(stdin)]),
      signal: new AbortController().signal,
    };
    const program = new Command("openclaw").exitOverride();
    register(program, context as CliContext);
    await program.parseAsync(["models", "auth", ...words.replace(" --json", "").split(" ")], { from: "user" });
    said.push(printed);
    return printed;
  }
  return { openclaw, vault, said, environment };
}

/** Every file below the folder that holds the text. */
async function holding(folder: string, text: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = found.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  const held = await Promise.all(files.map(async (file) => ((await readFile(file)).includes(text) ? [file] : [])));
  return held.flat();
}

describe("openclaw models auth", () => {
  it("stores a key from standard input, shows it without its secret, and forgets it", async () => {
    const { openclaw, vault, said, environment } = await home();
    expect(await openclaw("add openai --name work", `${canary}\n`)).toBe("stored: openai:work\n");
    expect(await openclaw("add openai --name work --kind token", canary)).toBe("replaced: openai:work\n");
    // Of another kind under one name, the older one is gone.
    expect((await vault().list()).map(({ scope, name }) => `${scope} ${name}`)).toEqual(["profile:openai:work token"]);
    expect(await openclaw("list")).toMatch(/^openai:work +token +vault +usable +- +stored; auth\.order says nothing/m);
    expect(await holding(environment.stateDir, canary)).toEqual([]);
    expect(said.join("")).not.toContain(canary);
    expect(await openclaw("remove openai:work")).toBe("removed: openai:work\n");
    await expect(openclaw("remove openai:work")).rejects.toMatchObject({ code: "RPC_007" });
    expect(await vault().list()).toEqual([]);
  });

  it("lists what settings and environment give, in the order in which it is tried, and what is only declared", async () => {
    const config = {
      models: { providers: { openai: { api: "openai-responses", apiKey: "sk-of-the-settings" } } },
      auth: {
        order: { openai: ["openai:b", "openai:a"] },
        profiles: { "openai:gone": { provider: "openai", mode: "api_key", email: "me@example.org" } },
      },
    };
    const { openclaw } = await home(config, { OPENAI_API_KEY: "sk-of-the-environment", ANTHROPIC_API_KEY: "sk-ant-1" });
    for (const name of ["a", "b", "c"]) await openclaw(`add openai --name ${name} --expires 2`, `sk-${name}-12345`);
    const { logins } = JSON.parse(await openclaw("list --json")) as { logins: { id: string; state: string }[] };
    expect(logins.map(({ id, state }) => `${id} ${state}`)).toEqual([
      "anthropic:env usable",
      "openai:config usable",
      "openai:b usable",
      "openai:a usable",
      "openai:c usable",
      "openai:env usable",
      "openai:gone missing",
    ]);
    expect(await openclaw("list")).toContain("openai:gone (me@example.org)");
    expect(JSON.stringify(logins)).not.toMatch(/sk-/);
  });

  it("stores AWS keys line by line, or the name of a section of AWS's own files", async () => {
    const { openclaw, vault } = await home();
    await openclaw("add bedrock --kind aws-sdk --region eu-west-1", "AKIAEXAMPLE\nsecret/key+1\n");
    const text = await vault().scoped("profile:bedrock:default").read("aws-sdk");
    expect(JSON.parse(text ?? "")).toEqual({
      kind: "aws-sdk",
      keys: { accessKeyId: "AKIAEXAMPLE", secretAccessKey: "secret/key+1", sessionToken: null },
      awsProfile: null,
      region: "eu-west-1",
    });
    await openclaw("add bedrock --kind aws-sdk --aws-profile work --name work");
    expect(await vault().scoped("profile:bedrock:work").read("aws-sdk")).toContain('"awsProfile":"work"');
  });

  it("refuses what is no key and no name, and stores nothing then", async () => {
    const { openclaw, vault } = await home();
    for (const [words, stdin] of [
      ["add openai", ""],
      ["add openai", "  \n"],
      ["add openai", "undefined\n"],
      ["add openai", "two words"],
      ["add openai", "line\nline"],
      ["add openai --name env", canary],
      ["add openai --name ../x", canary],
      ["add openai --kind oauth", canary],
      ["add openai --expires never", canary],
      ["add openai --expires -1", canary],
      ["add bedrock --kind aws-sdk", "AKIA\n"],
      ["remove nonsense", ""],
      ["order openai anthropic:a", ""],
    ] as const) {
      await expect(openclaw(words, stdin), words).rejects.toMatchObject({ code: "SYS_003" });
    }
    await expect(openclaw("add openai", "k".repeat(70_000))).rejects.toMatchObject({ code: "MSG_003" });
    expect(await vault().list()).toEqual([]);
  });

  it("without a client id of one's own nobody is sent anywhere; the sentence says where to get one", async () => {
    const { openclaw, vault } = await home();
    await expect(openclaw("login google")).rejects.toThrow(/auth\.oauth\.google\.clientId.*Google Cloud console/);
    await expect(openclaw("login nobody")).rejects.toMatchObject({ code: "CFG_004" });
    expect(await vault().list()).toEqual([]);
  });

  it("logs in at a page, once, and what others send to the port changes nothing", async () => {
    const { url, forms } = await provider({
      access_token: "access-of-page",
      refresh_token: "r-12345678",
      expires_in: 60,
    });
    const oauth = { own: { clientId: "c", authorizeUrl: `${url}/authorize`, tokenUrl: `${url}/token`, scopes: ["s"] } };
    const { openclaw, vault, said, environment } = await home({ auth: { oauth } });
    const answers: number[] = [];
    const printed = await openclaw("login own --name me", "", (text) => {
      const found = /https?:\/\/\S+/.exec(text)?.[0];
      if (found !== undefined) void browse(new URL(found), answers);
    });
    expect(printed).toBe("stored: own:me\n");
    expect(answers).toEqual([404, 404, 404, 404, 200]);
    expect(forms[0]).toMatchObject({ grant_type: "authorization_code", code: "the-code", client_id: "c" });
    expect(await vault().scoped("profile:own:me").read("oauth")).toContain("access-of-page");
    expect(await holding(environment.stateDir, "access-of-page")).toEqual([]);
    expect(said.join("")).not.toMatch(/access-of-page|r-12345678|the-code/);
  });

  it("logs in by a pasted address, and by a code for another device", async () => {
    const { url, forms } = await provider({ access_token: "access-1" });
    const oauth = {
      own: { clientId: "c", authorizeUrl: `${url}/authorize`, tokenUrl: `${url}/token`, deviceUrl: `${url}/device` },
    };
    const { openclaw, vault, said } = await home({ auth: { oauth } });
    await openclaw("login own --paste", "pasted-code");
    expect(forms.at(-1)).toMatchObject({ code: "pasted-code" });
    await openclaw("login own --device --name device");
    expect(said.join("")).toContain("type the code ABCD-1234");
    expect(forms.at(-1)).toMatchObject({ device_code: "d-1" });
    expect((await vault().list()).map(({ scope }) => scope)).toEqual(["profile:own:default", "profile:own:device"]);
  });

  it("a provider that says no is told in its words, and nothing is stored", async () => {
    const { url } = await provider({ error: "invalid_grant", error_description: "not you" });
    const oauth = { own: { clientId: "c", authorizeUrl: `${url}/authorize`, tokenUrl: `${url}/token` } };
    const { openclaw, vault } = await home({ auth: { oauth } });
    await expect(openclaw("login own --paste", "pasted-code")).rejects.toMatchObject({
      code: "CONN_002",
      message: "own gave no token (invalid_grant: not you).",
    });
    expect(await vault().list()).toEqual([]);
  });
});

/** What a browser does, and what else may come to an open port before it. */
async function browse(page: URL, answers: number[]): Promise<void> {
  const back = new URL(page.searchParams.get("redirect_uri") ?? "");
  const state = page.searchParams.get("state") ?? "";
  const right = `?code=the-code&state=${encodeURIComponent(state)}`;
  const ask = async (address: string | URL, init: RequestInit = {}): Promise<void> => {
    answers.push((await fetch(address, init)).status);
  };
  await ask(new URL("/favicon.ico", back));
  await ask(new URL("?code=evil&state=guess", back));
  await ask(new URL(right, back), { method: "POST" });
  await ask(new URL("?code=evil", back));
  await ask(new URL(right, back));
}

/** Endpoints of a provider that gives everybody the same. */
async function provider(tokens: Readonly<Record<string, unknown>>) {
  const forms: Record<string, string>[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      forms.push(Object.fromEntries(new URLSearchParams(body)));
      const device = { device_code: "d-1", user_code: "ABCD-1234", verification_uri: "https://x.test", interval: 0.01 };
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(request.url === "/device" ? device : tokens));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, forms };
}
