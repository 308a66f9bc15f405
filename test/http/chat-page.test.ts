/** WebChat in a real browser, on a whole gateway. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { AppError } from "../../src/domain/app-error.ts";
import { says, type Script } from "../../src/app/way.fixture.ts";
import { openBrowser } from "./browser.ts";
import { startWholeGateway, wholeGatewayToken, type WholeGateway } from "./whole-gateway.ts";
import { xssCorpus } from "./xss-corpus.ts";

const browser: Browser | null = await openBrowser();

let gateway: WholeGateway;
let context: BrowserContext;
let page: Page;
/** Everything the page asked for that did not come from the gateway, and everything it complained about. */
let foreign: string[];
let complaints: string[];

beforeAll(async () => {
  if (browser !== null) gateway = await startWholeGateway();
});
afterAll(async () => {
  await browser?.close();
  if (browser !== null) await gateway.close();
});
beforeEach(async () => {
  if (browser === null) return;
  gateway.model(says("Hello from the model."));
  context = await browser.newContext();
  page = await context.newPage();
  foreign = [];
  complaints = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(`${gateway.url}/`) && !request.url().startsWith("data:")) foreign.push(request.url());
  });
  page.on("websocket", (socket) => {
    if (!socket.url().startsWith(gateway.url.replace("http", "ws"))) foreign.push(socket.url());
  });
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().includes("WebSocket connection")) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("dialog", (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
});
afterEach(async () => {
  if (browser === null) return;
  assert.deepEqual({ foreign, complaints }, { foreign: [], complaints: [] });
  // Each test begins with an empty conversation.
  await gateway.way.store.sessions.delete("agent:main:main");
  await context.close();
});

async function enter(): Promise<void> {
  await page.goto(gateway.loginLink());
  await page.getByText("Connected").waitFor();
}

async function say(text: string): Promise<void> {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.keyboard.press("Enter");
}

/** Words of the conversation; what is told to screen readers alone does not count. */
const told = (text: string, on: Page = page) => on.locator("#messages").getByText(text);
const users = () => page.locator(".entry.user .body");
const answers = () => page.locator(".entry.assistant .body");

/** A model that says one piece, waits to be let on, and says the other. */
function inTwo(first: string, second: string): { script: Script; goOn: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    goOn: resolve,
    script: async function* (_request, _call, signal) {
      yield { type: "text", text: first };
      const aborted = new Promise<void>((settle) => signal.addEventListener("abort", () => settle(), { once: true }));
      await Promise.race([promise, aborted]);
      if (signal.aborted) {
        yield { type: "failure", error: new AppError("RUN_001", "aborted").toJSON() };
        return;
      }
      yield { type: "text", text: second };
      yield { type: "end", reason: "stop", usage: { input: 1200, output: 34, cacheRead: 0, cacheWrite: 0 } };
    },
  };
}

describe.skipIf(browser === null)("WebChat", () => {
  it("D7 K15: a login link lets the browser in once, and its code is gone from the address", async () => {
    const link = gateway.loginLink();
    await page.goto(link);
    await page.getByText("Connected").waitFor();
    expect(page.url()).toBe(`${gateway.url}/chat`);
    expect(await page.getByText("What can I do for you?").isVisible()).toBe(true);
    expect(await page.locator("#name").textContent()).toBe("Molly");
    // The browser is paired now: a plain visit is enough, and the used link does no harm.
    await page.goto(`${gateway.url}/`);
    await page.getByText("Connected").waitFor();
    await page.goto(link);
    await page.getByText("Connected").waitFor();
    const stranger = await context.browser()?.newContext();
    const other = await stranger?.newPage();
    await other?.goto(link);
    await other?.getByText("used already or is too old").waitFor();
    await stranger?.close();
  });

  it("D7 K15: says what is wrong with a token, takes the right one, and keeps neither", async () => {
    await page.goto(`${gateway.url}/chat`);
    await page.getByLabel("Token").fill("wrong");
    await page.getByRole("button", { name: "Connect" }).click();
    await page.getByText("This is not the gateway's token.").waitFor();
    await page.getByLabel("Token").fill(wholeGatewayToken);
    await page.getByRole("button", { name: "Connect" }).click();
    await page.getByText("Connected").waitFor();
    await page.reload();
    await page.getByText("Connected").waitFor();
    const kept = await page.evaluate<{ record: string; storages: string; extractable: boolean }>(`(async () => {
      const done = (request) => new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
      const database = await done(indexedDB.open("openclaw-webchat"));
      const record = await done(database.transaction("identity").objectStore("identity").get("device"));
      const storages = JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]);
      return { record: JSON.stringify(record), storages, extractable: record.keys.privateKey.extractable };
    })()`);
    expect(kept.extractable).toBe(false);
    expect(kept.record + kept.storages).not.toContain(wholeGatewayToken);
  });

  it("D7 K15: sends, streams, and shows what the answer took", async () => {
    await enter();
    const { script, goOn } = inTwo("Half of **it**", ", and the rest.");
    gateway.model(script);
    await say("Tell me.");
    await told("Half of it").waitFor();
    expect(await page.getByRole("button", { name: "Stop the answer" }).isVisible()).toBe(true);
    goOn();
    await told("Half of it, and the rest.").waitFor();
    await told("1,200 in, 34 out").waitFor();
    expect(await page.locator(".entry.assistant strong").textContent()).toBe("it");
    expect(await users().allTextContents()).toEqual(["Tell me."]);
    expect(await answers().count()).toBe(1);
    expect(await page.getByRole("button", { name: "Stop the answer" }).isVisible()).toBe(false);
  });

  it("D7 K15: reloaded in the middle of an answer, the page shows it in full, once", async () => {
    await enter();
    const { script, goOn } = inTwo("The first half, ", "the second half.");
    gateway.model(script);
    await say("Tell me.");
    await told("The first half,").waitFor();
    await page.reload();
    await page.getByText("Connected").waitFor();
    await told("Tell me.").waitFor();
    goOn();
    await told("The first half, the second half.").waitFor();
    await page.locator(".entry.live").waitFor({ state: "detached" });
    expect(await users().allTextContents()).toEqual(["Tell me."]);
    expect(await answers().allTextContents()).toEqual(["The first half, the second half."]);
    await page.reload();
    await told("The first half, the second half.").waitFor();
    expect(await users().allTextContents()).toEqual(["Tell me."]);
    expect(await answers().allTextContents()).toEqual(["The first half, the second half."]);
  });

  it("D7 K15: an answer that ended while the page was away is there when it comes back", async () => {
    await enter();
    const { script, goOn } = inTwo("Once upon ", "a time.");
    gateway.model(script);
    await say("A story.");
    await told("Once upon").waitFor();
    await context.setOffline(true);
    await page.goto("about:blank");
    goOn();
    await gateway.way.next("run.ended", (event) => event.text === "Once upon a time.");
    await context.setOffline(false);
    foreign.length = 0;
    await page.goto(`${gateway.url}/chat`);
    await told("Once upon a time.").waitFor();
    expect(await answers().count()).toBe(1);
  });

  it("D7 K15: the stop button and Escape end the answer and keep what was said", async () => {
    await enter();
    for (const [question, stop] of [
      ["one", () => page.getByRole("button", { name: "Stop the answer" }).click()],
      ["two", () => page.keyboard.press("Escape")],
    ] as const) {
      gateway.model(inTwo(`Half of ${question}`, "never").script);
      await say(question);
      await told(`Half of ${question}`).waitFor();
      await stop();
      await page
        .locator(".entry.assistant", { hasText: `Half of ${question}` })
        .getByText("Stopped")
        .waitFor();
    }
  });

  it("D7 K15: a failing model is told in words", async () => {
    await enter();
    gateway.model(async function* () {
      yield { type: "failure", error: new AppError("MODEL_002", "The key was refused.").toJSON() };
    });
    await say("Hello?");
    await page.locator(".entry.failed").waitFor();
    expect(await page.locator(".entry.failed .foot").textContent()).toContain("The key was refused.");
  });

  it("D7 K15: over a restart of the gateway the page comes back by itself and goes on", async () => {
    await enter();
    await say("Before.");
    await told("Hello from the model.").waitFor();
    await gateway.restart(() => page.getByText("Offline").waitFor());
    await page.getByText("Connected").waitFor();
    gateway.model(says("After it."));
    await say("After.");
    await told("After it.").waitFor();
    expect(await users().allTextContents()).toEqual(["Before.", "After."]);
    expect(await answers().allTextContents()).toEqual(["Hello from the model.", "After it."]);
  });

  it.each(["before", "after"])(
    "D7 K15: a message on a line that broke %s the gateway had it arrives, once",
    async (when) => {
      let wasCut = false;
      await page.routeWebSocket(/\/ws$/, (socket) => {
        const server = socket.connectToServer();
        server.onMessage((frame) => socket.send(frame));
        socket.onMessage((frame) => {
          const isCut = !wasCut && String(frame).includes('"chat.send"');
          if (!isCut || when === "after") server.send(frame);
          wasCut ||= isCut;
          if (isCut) void socket.close();
        });
      });
      await enter();
      const { script, goOn } = inTwo("One ", "answer.");
      gateway.model(script);
      await say("Once, please.");
      // The clock's time under it says that it was confirmed, by the second connection.
      await page.locator(".entry.user .foot", { hasText: /\d:\d/ }).waitFor();
      goOn();
      await told("One answer.").waitFor();
      expect(wasCut).toBe(true);
      expect(await users().allTextContents()).toEqual(["Once, please."]);
      expect(await answers().allTextContents()).toEqual(["One answer."]);
      await page.reload();
      await told("One answer.").waitFor();
      expect(await users().count()).toBe(1);
    },
  );

  it("D7 K15: two pages of one conversation show the same", async () => {
    await enter();
    const second = await context.newPage();
    await second.goto(`${gateway.url}/chat`);
    await second.getByText("Connected").waitFor();
    await say("Seen by both?");
    await told("Hello from the model.", second).waitFor();
    await told("Seen by both?", second).waitFor();
    expect(await second.locator(".entry.assistant").count()).toBe(1);
  });

  it("D7 K15: what the assistant used is shown where it used it, at once and after a reload", async () => {
    await enter();
    const firstCall = gateway.way.requests.length;
    gateway.model(async function* (_request, call) {
      const usage = { input: 3, output: 1, cacheRead: 0, cacheWrite: 0 };
      const asksFirst = call === firstCall;
      yield { type: "text", text: asksFirst ? "I look." : "It is noon." };
      if (asksFirst) yield { type: "tool-call", callId: "c1", tool: "time", input: {} };
      yield { type: "end", reason: asksFirst ? "tool-calls" : "stop", usage };
    });
    const entries = () => page.locator(".entry .body").allTextContents();
    const expected = ["What time is it?", "I look.", "Used time", "It is noon."];
    await say("What time is it?");
    await expect.poll(entries).toEqual(expected);
    await page.reload();
    await told("It is noon.").waitFor();
    expect(await entries()).toEqual(expected);
  });

  it("D7 K15: a new conversation begins empty, with nothing left to stop", async () => {
    await enter();
    await say("Before.");
    await told("Hello from the model.").waitFor();
    await page.getByRole("button", { name: "New" }).click();
    await page.getByText("What can I do for you?").waitFor();
    await page.getByRole("button", { name: "Stop the answer" }).waitFor({ state: "hidden" });
    expect(await answers().count()).toBe(0);
  });

  it("D7 K15: Enter sends, Shift and Enter starts a line", async () => {
    await enter();
    await page.getByLabel("Message", { exact: true }).focus();
    await page.keyboard.type("one");
    await page.keyboard.press("Shift+Enter");
    await page.keyboard.type("two");
    await page.keyboard.press("Enter");
    await told("Hello from the model.").waitFor();
    expect(await users().allTextContents()).toEqual(["one\ntwo"]);
  });

  it("R001: a hostile address in the query changes nothing and gets nothing", async () => {
    const link = gateway.loginLink().replace("/chat#", "/chat?gatewayUrl=ws://127.0.0.1:9/&token=stolen#");
    await page.goto(link);
    await page.getByText("Connected").waitFor();
    await say("hi");
    await told("Hello from the model.").waitFor();
    // The requests themselves are looked at after every test.
    expect(page.url()).not.toContain("stolen");
  });

  it("R100: nothing that a person or a model writes becomes markup, and no script runs", async () => {
    await enter();
    gateway.model(says(xssCorpus.join("\n\n")));
    await say(xssCorpus.join("\n"));
    await page.locator(".entry.assistant .foot", { hasText: "out" }).waitFor();
    const found = await page.evaluate<{ tags: string[]; handlers: string[]; links: string[]; ran: boolean }>(`(() => {
      const all = [...document.querySelectorAll("#messages *")];
      return {
        tags: [...new Set(all.map((element) => element.tagName.toLowerCase()))],
        handlers: all.flatMap((element) => element.getAttributeNames()).filter((name) => /^on|^style$/.test(name)),
        links: all.filter((element) => element.tagName === "A").map((link) => link.protocol),
        ran: "xss" in globalThis,
      };
    })()`);
    for (const tag of [
      "script",
      "img",
      "iframe",
      "svg",
      "object",
      "embed",
      "form",
      "style",
      "link",
      "math",
      "base",
      "meta",
    ]) {
      expect(found.tags).not.toContain(tag);
    }
    expect(found.handlers).toEqual([]);
    expect(found.links.filter((protocol) => !["http:", "https:", "mailto:"].includes(protocol))).toEqual([]);
    expect(found.ran).toBe(false);
    expect(await users().textContent()).toBe(xssCorpus.join("\n"));
  });

  it("R100: the page forbids inline script, other origins and frames", async () => {
    const response = await page.goto(`${gateway.url}/chat`);
    const policy = response?.headers()["content-security-policy"] ?? "";
    for (const part of [
      "default-src 'none'",
      "script-src 'self'",
      "connect-src 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ]) {
      expect(policy).toContain(part);
    }
    expect(policy).not.toMatch(/unsafe|\*/);
    const html = (await response?.text()) ?? "";
    expect(html).not.toMatch(/<script(?![^>]*\ssrc=)|\son[a-z]+=|\sstyle=|https?:\/\//i);
  });

  it("D7 K15: has no fault that an accessibility checker finds, in either set of colours", async () => {
    const checker = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
    for (const colorScheme of ["light", "dark"] as const) {
      const checked = await browser!.newContext({ colorScheme, bypassCSP: true });
      const shown = await checked.newPage();
      const faults = async (): Promise<unknown> => {
        await shown.addScriptTag({ path: checker });
        return shown.evaluate(async () => {
          const { axe } = globalThis as unknown as {
            axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
          };
          return (await axe.run()).violations.map(
            ({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`,
          );
        });
      };
      await shown.goto(`${gateway.url}/chat`);
      await shown.getByText("Let this browser in").waitFor();
      expect(await faults(), `login, ${colorScheme}`).toEqual([]);
      await shown.goto("about:blank");
      await shown.goto(gateway.loginLink());
      await shown.getByText("Connected").waitFor();
      gateway.model(
        says(
          "# Title\n\n- [x] done\n\n```js\ncode\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n> quote [link](https://example.org)",
        ),
      );
      await shown.getByLabel("Message", { exact: true }).fill("Show me.");
      await shown.keyboard.press("Enter");
      await shown.locator(".entry.assistant .foot", { hasText: "out" }).waitFor();
      expect(await faults(), `talk, ${colorScheme}`).toEqual([]);
      await checked.close();
    }
  });
});
