import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openSecrets } from "../app/secrets.ts";
import { readEnvironment } from "../config/environment.ts";
import { findGateway } from "./find-gateway.ts";
import { runCli } from "./main.ts";

describe("what proves that we may talk to the gateway", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "openclaw-find-"));
    await writeFile(join(folder, "gateway.token"), "of-the-file\n");
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function tokenWith(config: string, variables: Record<string, string> = {}, url?: string) {
    await writeFile(join(folder, "openclaw.json"), config);
    const environment = readEnvironment({ HOME: folder, OPENCLAW_STATE_DIR: folder, ...variables });
    return (await findGateway(url === undefined ? {} : { url }, environment)).token;
  }

  it("the token: of the environment, of the configuration, of the file, in this order", async () => {
    expect(await tokenWith("{}")).toBe("of-the-file");
    const configured = '{ gateway: { auth: { token: "configured" } } }';
    expect(await tokenWith(configured)).toBe("configured");
    expect(await tokenWith(configured, { OPENCLAW_GATEWAY_TOKEN: "given" })).toBe("given");
    expect(await tokenWith('{ gateway: { auth: { token: "${OWN}" } } }', { OWN: "referred" })).toBe("referred");
  });

  it("R008: a token that is in the vault, and nothing of a vault that has none", async () => {
    const configured = '{ gateway: { auth: { token: "${secret:token}" } } }';
    expect(await tokenWith(configured)).toBe("of-the-file");
    const environment = readEnvironment({ HOME: folder, OPENCLAW_STATE_DIR: folder });
    await openSecrets({ environment }).vault.scoped("gateway").write("token", "of-the-vault");
    expect(await tokenWith(configured)).toBe("of-the-vault");
    expect(await tokenWith('{ gateway: { auth: { token: "${secret:other}" } } }')).toBe("of-the-file");
  });

  it("a gateway that asks for a password gets the password, never a token", async () => {
    const configured = '{ gateway: { auth: { mode: "password", password: "configured" } } }';
    expect(await tokenWith(configured)).toBe("configured");
    expect(await tokenWith(configured, { OPENCLAW_GATEWAY_PASSWORD: "given", OPENCLAW_GATEWAY_TOKEN: "no" })).toBe(
      "given",
    );
  });

  it("R003: an address elsewhere gets nothing that was found here", async () => {
    const variables = { OPENCLAW_GATEWAY_TOKEN: "given", OPENCLAW_GATEWAY_PASSWORD: "given" };
    for (const url of [
      "ws://evil.example",
      "wss://127.0.0.1.evil.example",
      "http://localhost.evil.example:1",
      "10.0.0.1:1",
    ])
      expect(await tokenWith("{}", variables, url), url).toBeNull();
    for (const url of ["ws://127.0.0.1:1", "localhost:1", "http://[::1]:1"])
      expect(await tokenWith("{}", variables, url), url).toBe("given");
  });
});

describe("--profile", () => {
  it.each([["--profile=a/b"], ["--profile", ""], ["--profile"]])(
    "a name that cannot be one is wrong usage, not another profile (%s %s)",
    async (...words: string[]) => {
      let told = "";
      const streams = {
        stdin: process.stdin,
        stdout: { write: () => true },
        stderr: { write: (text: string) => (told += text) },
      };
      expect(await runCli(["completion", ...words], streams)).toBe(2);
      expect(told).toContain("--profile");
    },
  );
});
