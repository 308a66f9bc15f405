/** The device flow against an endpoint that keeps the standard's rules, and against some that do not. */
import { describe, expect, it } from "vitest";
import { FakeClock } from "../../platform/fake-clock.ts";
import { systemIds } from "../../platform/ids.ts";
import { beginDeviceLogin, hasDeviceFlow, type DeviceLogin } from "./device-code.ts";
import type { LoginResult } from "./login-result.ts";
import { oauthClient } from "./services.ts";

type Answer = { readonly status?: number; readonly body: unknown } | "unreachable";

const code = {
  device_code: "device-code-1",
  user_code: "WDJB-MJHT",
  verification_uri: "https://github.com/login/device",
  expires_in: 900,
  interval: 5,
};
const pending: Answer = { body: { error: "authorization_pending" } };
const done: Answer = { body: { access_token: "gho-1", token_type: "bearer", scope: "read:user" } };

async function world(answers: readonly Answer[], first: Answer = { body: code }) {
  const clock = new FakeClock();
  const asked: { readonly atMs: number; readonly form: Readonly<Record<string, string>>; readonly url: string }[] = [];
  const rest = [first, ...answers];
  const fetch: typeof globalThis.fetch = (input, init) => {
    const form = Object.fromEntries(new URLSearchParams(typeof init?.body === "string" ? init.body : ""));
    asked.push({ atMs: clock.monotonicMs(), form, url: input as string });
    const next = rest.shift() ?? pending;
    if (next === "unreachable") return Promise.reject(new TypeError("fetch failed"));
    return Promise.resolve(Response.json(next.body, { status: next.status ?? 200 }));
  };
  const { client } = oauthClient("github-copilot", { "github-copilot": { clientId: "Iv1.own" } });
  if (client === null || !hasDeviceFlow(client)) throw new Error("the table has no such flow");
  const begun = await beginDeviceLogin(client, { clock, ids: systemIds(), fetchFor: () => fetch });
  return { clock, asked, begun };
}

async function waited(answers: readonly Answer[], forMs: number, signal = new AbortController().signal) {
  const { clock, asked, begun } = await world(answers);
  if (!begun.ok) throw new Error(begun.why);
  let result: LoginResult | null = null;
  void begun.login.wait(signal).then((ended) => {
    result = ended;
  });
  await clock.advance(forMs);
  return { asked, result: result as LoginResult | null, login: begun.login as DeviceLogin };
}

describe("the device flow", () => {
  it("shows what to type and where, asks at the given pace, and keeps what comes", async () => {
    const { asked, result, login } = await waited([pending, pending, done], 60_000);
    expect(login).toMatchObject({ userCode: "WDJB-MJHT", verificationUrl: "https://github.com/login/device" });
    expect(asked.map(({ atMs }) => atMs)).toEqual([0, 5_000, 10_000, 15_000]);
    expect(asked[0]).toMatchObject({
      url: "https://github.com/login/device/code",
      form: { client_id: "Iv1.own", scope: "read:user" },
    });
    expect(asked[1]?.form).toMatchObject({
      grant_type: "urn:ietf:params:oauth:grant-type:device_code",
      device_code: "device-code-1",
    });
    expect(result).toMatchObject({ ok: true, document: { accessToken: "gho-1", refreshToken: null, expiresMs: null } });
  });

  it("slows down for good where it is told to, by the pace that is named or by five seconds", async () => {
    const slow = { body: { error: "slow_down" } };
    const named = { body: { error: "slow_down", interval: 20 } };
    const { asked } = await waited([slow, pending, named, pending, done], 120_000);
    expect(asked.map(({ atMs }) => atMs / 1_000)).toEqual([0, 5, 15, 25, 45, 65]);
  });

  it("a network that is gone for a moment is no answer, and makes it ask less often", async () => {
    const { asked, result } = await waited(["unreachable", { status: 502, body: {} }, done], 120_000);
    expect(asked.map(({ atMs }) => atMs / 1_000)).toEqual([0, 5, 15, 35]);
    expect(result).toMatchObject({ ok: true });
  });

  it("every end has its sentence: refused, run out, given up, not understood", async () => {
    const ends = async (answer: Answer) => (await waited([answer], 30_000)).result;
    expect(await ends({ status: 400, body: { error: "access_denied" } })).toMatchObject({
      why: expect.stringContaining("refused") as string,
    });
    expect(await ends({ body: { error: "expired_token" } })).toMatchObject({
      why: expect.stringContaining("run out") as string,
    });
    expect(await ends({ status: 400, body: { error: "incorrect_device_code" } })).toMatchObject({
      why: expect.stringContaining("incorrect_device_code") as string,
    });
    expect(await ends({ status: 200, body: "page" })).toMatchObject({ ok: false });
    expect((await waited([], 901_000)).result).toMatchObject({ why: expect.stringContaining("run out") as string });
    const abort = new AbortController();
    abort.abort(new Error("Ctrl-C"));
    expect((await waited([], 1_000, abort.signal)).result).toMatchObject({ why: "The login was given up." });
  });

  it("an answer without a code, or with a page that is none, begins nothing", async () => {
    for (const first of [
      { body: {} },
      { status: 404, body: { error: "not_found" } },
      { body: { ...code, verification_uri: "javascript:alert(1)" } },
      { body: { ...code, user_code: "" } },
      { body: [] },
      "unreachable" as const,
    ]) {
      const { begun } = await world([], first);
      expect(begun).toMatchObject({ ok: false });
    }
  });

  it("a pace and a life that make no sense are taken as the standard's", async () => {
    const { begun } = await world([], { body: { ...code, interval: "soon", expires_in: -1 } });
    expect(begun).toMatchObject({ ok: true });
    const { asked, result } = await waited([], 30 * 60_000 + 60_000);
    expect(asked.length).toBeLessThan(400);
    expect(result).toMatchObject({ ok: false });
  });
});
