import { describe, expect, it } from "vitest";
import { FakeClock } from "../../platform/fake-clock.ts";
import { copilotClientId, deviceLogin, type DeviceCode, type DeviceLogin } from "./device-login.ts";

const forever = new AbortController().signal;
const begun = {
  device_code: "device-code-secret",
  user_code: "WDJB-MJHT",
  verification_uri: "https://github.com/login/device",
  expires_in: 900,
  interval: 5,
};

interface Play {
  readonly clock: FakeClock;
  readonly shown: DeviceCode[];
  readonly asked: { readonly path: string; readonly atMs: number; readonly body: Record<string, unknown> }[];
  readonly login: Promise<DeviceLogin>;
}

/** GitHub answers in this order; its last answer again and again. */
function play(
  answers: readonly unknown[],
  options: { first?: unknown; signal?: AbortSignal; baseUrl?: string } = {},
): Play {
  const clock = new FakeClock();
  const shown: DeviceCode[] = [];
  const asked: Play["asked"] = [];
  let step = 0;
  const fetch: typeof globalThis.fetch = (input, init) => {
    const url = new URL(input as string);
    asked.push({
      path: url.pathname,
      atMs: clock.monotonicMs(),
      body: JSON.parse(init?.body as string) as Record<string, unknown>,
    });
    const next = url.pathname.endsWith("/code")
      ? (options.first ?? begun)
      : answers[Math.min(step++, answers.length - 1)];
    if (next instanceof Error) return Promise.reject(next);
    return Promise.resolve(next instanceof Response ? next.clone() : Response.json(next));
  };
  const { signal = forever, baseUrl } = options;
  const show = (code: DeviceCode): number => shown.push(code);
  const login = deviceLogin({ fetch, clock, show, ...(baseUrl === undefined ? {} : { baseUrl }) }, signal);
  login.catch(() => undefined);
  return { clock, shown, asked, login };
}

const pending = { error: "authorization_pending" };

describe("the login at GitHub by a code", () => {
  it("H5: shows the code, asks at the pace GitHub sets, and ends with the token", async () => {
    const { clock, shown, asked, login } = play([
      pending,
      pending,
      { access_token: "gho_token", token_type: "bearer" },
    ]);
    await clock.advance(0);
    expect(shown).toEqual([
      { userCode: "WDJB-MJHT", verificationUrl: "https://github.com/login/device", expiresMs: clock.nowMs() + 900_000 },
    ]);
    await clock.advance(15_000);
    expect(await login).toEqual({ outcome: "token", token: "gho_token" });
    expect(asked.map(({ path, atMs }) => [path, atMs])).toEqual([
      ["/login/device/code", 0],
      ["/login/oauth/access_token", 5_000],
      ["/login/oauth/access_token", 10_000],
      ["/login/oauth/access_token", 15_000],
    ]);
    expect(asked[0]?.body).toEqual({ client_id: copilotClientId, scope: "read:user" });
    expect(asked[1]?.body).toEqual({
      client_id: copilotClientId,
      device_code: "device-code-secret",
      grant_type: "urn:ietf:params:oauth:grant-type:device_code",
    });
    expect(clock.pendingTimers).toBe(0);
  });

  it("H5: slows down when told to, by what it is told or by five seconds", async () => {
    const { clock, asked, login } = play([
      { error: "slow_down", interval: 12 },
      { error: "slow_down" },
      { access_token: "t" },
    ]);
    await clock.advance(60_000);
    expect(await login).toMatchObject({ outcome: "token" });
    expect(asked.slice(1).map(({ atMs }) => atMs)).toEqual([5_000, 17_000, 34_000]);
  });

  it.each([
    [{ error: "expired_token" }, { outcome: "expired" }],
    [{ error: "access_denied" }, { outcome: "denied" }],
  ])("H5: %j ends it", async (answer, outcome) => {
    const { clock, login } = play([pending, answer]);
    await clock.advance(10_000);
    expect(await login).toEqual(outcome);
    expect(clock.pendingTimers).toBe(0);
  });

  it("H5: a code that nobody typed in expires by our clock too", async () => {
    const { clock, asked, login } = play([pending]);
    await clock.advance(900_000);
    expect(await login).toEqual({ outcome: "expired" });
    expect(asked).toHaveLength(180);
  });

  it("a question that does not get through is asked again; the person is still typing", async () => {
    const broken = [new Error("ECONNRESET"), new Response("<html>", { status: 502 }), new Response("no json")];
    const { clock, login } = play([...broken, { access_token: "t" }]);
    await clock.advance(20_000);
    expect(await login).toEqual({ outcome: "token", token: "t" });
  });

  it.each([
    [
      { error: "incorrect_client_credentials", error_description: "The client_id is not valid." },
      "client_id is not valid",
    ],
    [{ error: "unsupported_grant_type" }, "unsupported_grant_type"],
    [{}, "did not say why"],
    [{ access_token: "" }, "did not say why"],
  ])("H5: %j is a refusal that says why", async (answer, words) => {
    const { clock, login } = play([answer]);
    await clock.advance(5_000);
    await expect(login).rejects.toMatchObject({ code: "MODEL_002", message: expect.stringContaining(words) });
  });

  it.each([
    [{ error: "device_flow_disabled" }, "MODEL_002"],
    [{ user_code: 7 }, "MODEL_002"],
    [new Response("<html>", { status: 404 }), "MODEL_004"],
    [new Error("ENOTFOUND"), "MODEL_004"],
  ])("a first question that fails shows nothing: %j", async (first, code) => {
    const { clock, shown, login } = play([pending], { first });
    await clock.advance(0);
    await expect(login).rejects.toMatchObject({ code });
    expect(shown).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("H5: an abort ends it at once, between two questions and within one", async () => {
    const between = new AbortController();
    const waiting = play([pending], { signal: between.signal });
    await waiting.clock.advance(7_000);
    between.abort();
    await expect(waiting.login).rejects.toMatchObject({ code: "RUN_001" });
    expect(waiting.clock.pendingTimers).toBe(0);
    const before = play([pending], { signal: AbortSignal.abort(), first: new Error("aborted") });
    await expect(before.login).rejects.toMatchObject({ code: "RUN_001" });
  });

  it("asks an enterprise's own server, and rests as usual where no pace is set", async () => {
    const { interval: _none, expires_in: _never, ...bare } = begun;
    const { clock, asked, shown, login } = play([{ access_token: "t" }], {
      baseUrl: "https://octo.ghe.com/",
      first: bare,
    });
    await clock.advance(5_000);
    expect(await login).toMatchObject({ outcome: "token" });
    expect(asked).toHaveLength(2);
    expect(shown[0]?.expiresMs).toBe(clock.nowMs() - 5_000 + 900_000);
  });
});
