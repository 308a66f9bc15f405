import { describe, expect, it } from "vitest";
import { coversScope } from "../../domain/scopes.ts";
import { openStage, testToken } from "../fake-deps.fixture.ts";
import { connect, tryConnect } from "../wire-client.fixture.ts";
import { ownerOfSocket } from "./loopback-trust.ts";
import { peerOf } from "./client-address.ts";

const request = (headers: Record<string, string>, url = "/", remoteAddress = "127.0.0.1") =>
  ({ headers, url, socket: { remoteAddress, remotePort: 40_000 } }) as never;

describe("the guard of HTTP", () => {
  it("R044: takes the token from a header, never from the query", async () => {
    const stage = await openStage();
    const { http } = stage.auth;
    for (const headers of [
      { authorization: `Bearer ${testToken}` },
      { authorization: `bearer ${testToken} ` },
      { "x-openclaw-token": testToken },
      { "x-api-key": testToken },
    ]) {
      const result = await http.authenticate(request(headers));
      expect(result.ok && coversScope(result.principal.scopes, "operator.admin")).toBe(true);
    }
    for (const query of ["token", "access_token", "api_key", "key"]) {
      const result = await http.authenticate(request({}, `/v1/models?${query}=${testToken}`));
      expect(result.ok === false && result.error.code, query).toBe("SEC_003");
    }
    expect((await http.authenticate(request({ authorization: `Basic ${testToken}` }))).ok).toBe(false);
    expect((await http.authenticate(request({ cookie: `token=${testToken}` }))).ok).toBe(false);
    const { answer } = await tryConnect(`${stage.url}/?token=${testToken}`, { auth: {} });
    expect(answer.ok).toBe(false);
    await stage.close();
  });

  it("E5: loopback is no credential unless the owner says so, and then for the same user alone, without page or proxy", async () => {
    const stage = await openStage();
    expect((await stage.auth.http.authenticate(request({}))).ok).toBe(false);
    stage.config.swap(
      (config) => ({
        ...config,
        gateway: { ...config.gateway, auth: { ...config.gateway.auth, trustLoopback: true } },
      }),
      ["gateway.auth.trustLoopback"],
    );
    const trusted = await connect(stage.url, { auth: {} });
    expect((trusted.hello["auth"] as { scopes: string[] }).scopes).toContain("operator.admin");
    for (const headers of [
      { origin: `http://127.0.0.1:${stage.port}` },
      { "x-forwarded-for": "127.0.0.1" },
      { via: "1.1 proxy" },
    ]) {
      expect(
        (await tryConnect(stage.url, { auth: {}, headers: { ...headers } as Record<string, string> })).answer.ok,
      ).toBe(false);
    }
    // A socket that belongs to another user: the kernel's table says so.
    const table =
      "header\n   0: 0100007F:9C40 0100007F:4965 01 00000000:00000000 00:00000000 00000000  1001        0 1 1\n";
    expect(ownerOfSocket(table, 40_000)).toBe(1001);
    expect(ownerOfSocket(table, 40_001)).toBeNull();
    // Switched off again, it cuts those who lived on it.
    stage.config.swap(
      (config) => ({
        ...config,
        gateway: { ...config.gateway, auth: { ...config.gateway.auth, trustLoopback: false } },
      }),
      ["gateway.auth.trustLoopback"],
    );
    expect((await trusted.closed).code).toBe(1008);
    await stage.close();
  });

  it("E2: a password lets in what a token would, in its own mode", async () => {
    const stage = await openStage({
      config: (config) => ({
        ...config,
        gateway: {
          ...config.gateway,
          auth: { ...config.gateway.auth, mode: "password", password: "correct horse battery" },
        },
      }),
    });
    expect((await tryConnect(stage.url, { auth: { password: "correct horse battery" } })).answer.ok).toBe(true);
    const wrong = await tryConnect(stage.url, { auth: { password: "wrong" } });
    expect(wrong.answer["error"]).toMatchObject({ details: { code: "AUTH_PASSWORD_MISMATCH" } });
    const missing = await tryConnect(stage.url, { auth: {} });
    expect(missing.answer["error"]).toMatchObject({ details: { code: "AUTH_PASSWORD_MISSING" } });
    await stage.close();
  });
});

describe("where a request comes from", () => {
  const from = (remoteAddress: string, forwarded: string, proxies: string[]) =>
    peerOf({ headers: { "x-forwarded-for": forwarded }, socket: { remoteAddress, remotePort: 1 } }, proxies).address;

  it("D13 R012: is the socket's peer, unless a proxy we trust names another", () => {
    expect(from("203.0.113.9", "127.0.0.1", [])).toBe("203.0.113.9");
    expect(from("10.0.0.2", "198.51.100.7", ["10.0.0.0/8"])).toBe("198.51.100.7");
    expect(from("10.0.0.2", "127.0.0.1, 198.51.100.7, 10.0.0.3", ["10.0.0.0/8"])).toBe("198.51.100.7");
    expect(from("10.0.0.2", "garbage", ["10.0.0.2"])).toBe("10.0.0.2");
    expect(from("::ffff:203.0.113.9", "", [])).toBe("203.0.113.9");
  });
});
