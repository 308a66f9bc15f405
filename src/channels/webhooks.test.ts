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
