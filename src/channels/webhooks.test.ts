import { describe, expect, it } from "vitest";
import type { WebhookRequest } from "./contract.ts";
import { createWebhooks } from "./webhooks.ts";

const request: WebhookRequest = { headers: {}, body: new Uint8Array(), remoteAddress: "192.0.2.1" };
const answering = (status: number) => () => Promise.resolve({ status });

describe("webhooks", () => {
  it("hands a call to whoever has the path, until it is taken back", async () => {
    const webhooks = createWebhooks();
    const unmount = webhooks.portFor("fake", "one").mount("/hook", answering(200));
    expect(webhooks.mounted("/hook")).toBe(true);
    expect(await webhooks.handle("/hook", request)).toEqual({ status: 200 });
    expect(webhooks.handle("/Hook", request)).toBeNull();
    unmount();
    unmount();
    expect(webhooks.mounted("/hook")).toBe(false);
    expect(webhooks.handle("/hook", request)).toBeNull();
  });

  it("a path belongs to one account", () => {
    const webhooks = createWebhooks();
    webhooks.portFor("fake", "one").mount("/hook", answering(200));
    expect(() => webhooks.portFor("fake", "two").mount("/hook", answering(201))).toThrow(
      expect.objectContaining({ code: "CFG_004" }),
    );
    expect(() => webhooks.portFor("other", "one").mount("/hook", answering(201))).toThrow(
      expect.objectContaining({ code: "CFG_004" }),
    );
    expect(() => webhooks.portFor("fake", "one").mount("hook", answering(201))).toThrow(
      expect.objectContaining({ code: "CFG_004" }),
    );
  });

  it("a path under which the gateway itself is called is no webhook's", () => {
    const port = createWebhooks().portFor("fake", "one");
    for (const path of ["/v1", "/v1/chat/completions", "/v1/anything"]) {
      expect(() => port.mount(path, answering(200))).toThrow(expect.objectContaining({ code: "CFG_004" }));
    }
    expect(port.mount("/v1x", answering(200))).toBeTypeOf("function");
  });

  it("knows the name that the platform was told for a path, as long as it is mounted", () => {
    const webhooks = createWebhooks();
    const unmount = webhooks.portFor("fake", "one").mount("/hook", answering(200), "bot.example.org");
    webhooks.portFor("fake", "one").mount("/other", answering(200));
    expect(["/hook", "/other", "/none"].map((path) => webhooks.publicHost(path))).toEqual([
      "bot.example.org",
      null,
      null,
    ]);
    unmount();
    expect(webhooks.publicHost("/hook")).toBeNull();
  });

  it("the newer connection of an account has the path, and the end of the older one takes nothing away", async () => {
    const webhooks = createWebhooks();
    const older = webhooks.portFor("fake", "one");
    const unmountOlder = older.mount("/hook", answering(200));
    webhooks.portFor("fake", "one").mount("/hook", answering(201));
    unmountOlder();
    older.end();
    expect(await webhooks.handle("/hook", request)).toEqual({ status: 201 });
  });

  it("a connection that ended has nothing mounted and can mount nothing", () => {
    const webhooks = createWebhooks();
    const port = webhooks.portFor("fake", "one");
    port.mount("/a", answering(200));
    port.mount("/b", answering(200));
    port.end();
    port.mount("/c", answering(200))();
    expect(["/a", "/b", "/c"].filter((path) => webhooks.mounted(path))).toEqual([]);
  });
});
