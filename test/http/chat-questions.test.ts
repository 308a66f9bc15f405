/** What a turn asks, on the WebChat page of a real browser: all of it, answered there, and how it ended. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ActQuestion } from "../../src/approvals/contract.ts";
import { actQuestion } from "../../src/gateway/rpc/operate/approvals.fixture.ts";
import { openBrowser } from "./browser.ts";
import { startWholeGateway, type WholeGateway } from "./whole-gateway.ts";

const browser: Browser | null = await openBrowser();

let gateway: WholeGateway;
let context: BrowserContext;
let page: Page;
let complaints: string[];
let calls = 0;

beforeAll(async () => {
  if (browser !== null) gateway = await startWholeGateway();
});
afterAll(async () => {
  await browser?.close();
  if (browser !== null) await gateway.close();
});
beforeEach(async () => {
  if (browser === null) return;
  // The checker of accessibility is no script of ours.
  context = await browser.newContext({ bypassCSP: true });
  page = await context.newPage();
  complaints = [];
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().includes("WebSocket connection")) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.goto(gateway.loginLink());
  await page.getByText("Connected").waitFor();
});
afterEach(async () => {
  if (browser === null) return;
  assert.deepEqual(complaints, []);
  for (const { id } of await gateway.way.approvals.pending())
    await gateway.way.approvals.answer(id, "deny", { id: "token:gateway", via: "gateway" });
  await context.close();
});

async function ask(changes: Partial<ActQuestion> = {}): Promise<string> {
  calls += 1;
  const asked = await gateway.way.approvals.ask(actQuestion({ callId: `call-${calls}`, ...changes }));
  if (asked.state !== "open") throw new Error(`nobody was asked: ${JSON.stringify(asked)}`);
  return asked.id;
}

const card = () => page.getByRole("article");
const button = (name: string) => card().getByRole("button", { name, exact: true });
const row = (id: string) => gateway.way.store.approvals.get(id);

describe.skipIf(browser === null)("a question on the page", () => {
  it("P1 R114: shows the whole command, why it is asked and what was read; survives a reload; is answered once", async () => {
    const command = Array.from({ length: 200 }, (_, line) => `echo line ${line} # <b>not markup</b>`).join("\n");
    const id = await ask({ shown: command, command: { ...planned, text: command } });
    await card().waitFor();
    await page.reload();
    await card().waitFor();
    expect(await card().locator("pre").textContent()).toBe(command);
    const about = await card().locator("dl").textContent();
    for (const words of [
      "/home/ann",
      "git is on no list",
      "web page https://example.org/a",
      "git status, in any folder",
    ])
      expect(about).toContain(words);
    await button("Allow once").click();
    await card().getByText("Allowed once by a browser.").waitFor();
    expect(await button("Deny").count()).toBe(0);
    expect(await row(id)).toMatchObject({ state: "allowed", decision: { answer: "allow-once" } });
    expect((await row(id))?.decidedBy).toMatch(/^device:[0-9a-f]{64}$/);
    await page.reload();
    await page.getByText("Connected").waitFor();
    expect(await card().count()).toBe(0);
  });

  it("P1: shows the answer that somebody else gave first, and says no where it is pressed", async () => {
    const [first, second] = [await ask(), await ask({ shown: "make", always: null })];
    await expect.poll(() => card().count()).toBe(2);
    await gateway.way.approvals.answer(first, "allow-once", { id: "local", via: "socket" });
    await page.getByText("Allowed once by local.").waitFor();
    const open = card().filter({ hasText: "make" });
    expect(await open.getByRole("button", { name: "Always" }).count()).toBe(0);
    await open.getByRole("button", { name: "Deny" }).click();
    await open.getByText("Denied by a browser.").waitFor();
    expect(await row(second)).toMatchObject({ state: "denied" });
  });

  it("R114: writes out what cannot be seen, and shows nothing of another session", async () => {
    await ask({ sessionKey: "agent:main:other", shown: "cat /etc/other" });
    await ask({ shown: "echo \u202Ehs.x\u200B" });
    await card().waitFor();
    expect(await card().count()).toBe(1);
    expect(await card().locator("pre").textContent()).toBe("echo \\u{202e}hs.x\\u{200b}");
    await page.getByText("It holds characters that cannot be seen").waitFor();
  });

  it("P1: can be used by everybody: no violation of the rules of access, open and answered", async () => {
    await ask();
    await card().waitFor();
    await page.addScriptTag({ path: createRequire(import.meta.url).resolve("axe-core/axe.min.js") });
    expect(await violations()).toEqual([]);
    await button("Deny").focus();
    await page.keyboard.press("Enter");
    await card().getByText("Denied by a browser.").waitFor();
    expect(await violations()).toEqual([]);
  });
});

const planned = {
  argv: ["/bin/sh"],
  usesShell: true,
  cwd: "/home/ann",
  env: {},
  programs: [],
  scripts: [],
  binding: "b1",
};

function violations(): Promise<string[]> {
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    return (await axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  });
}
