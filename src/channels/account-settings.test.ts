import { describe, expect, it } from "vitest";
import { accountSettings } from "./account-settings.ts";
import { fakeManifest } from "./fake-channel.fixture.ts";

function settings(section: Record<string, unknown>) {
  return accountSettings({ fake: section }, [fakeManifest]).map(({ accountId, enabled, config, problem }) => ({
    accountId,
    enabled,
    config,
    problem: problem?.message ?? null,
  }));
}

describe("account settings", () => {
  it("a section alone is the default account", () => {
    expect(settings({ name: "one" })).toEqual([
      { accountId: "default", enabled: true, config: { name: "one" }, problem: null },
    ]);
  });

  it("K19: named accounts stand beside it and inherit what they do not say", () => {
    expect(
      settings({ name: "one", accounts: { a: {}, b: { name: "b" } } }).map(({ accountId, config }) => [
        accountId,
        config,
      ]),
    ).toEqual([
      ["default", { name: "one" }],
      ["a", { name: "one" }],
      ["b", { name: "b" }],
    ]);
  });

  it("a section that only holds what its accounts share is no account", () => {
    expect(settings({ accounts: { a: { name: "a" } } }).map((setting) => setting.accountId)).toEqual(["a"]);
  });

  it("a default account with a wrong value is reported, not left out", () => {
    const [first, second] = settings({ name: 3, accounts: { a: { name: "a" } } });
    expect(first).toMatchObject({ accountId: "default", problem: expect.stringContaining("channels.fake.name") });
    expect(second).toMatchObject({ accountId: "a", problem: null });
  });

  it("a channel that is switched off takes its accounts with it, an account only itself", () => {
    expect(settings({ name: "x", enabled: false, accounts: { a: { enabled: true } } }).map((s) => s.enabled)).toEqual([
      false,
      false,
    ]);
    expect(settings({ name: "x", accounts: { a: { enabled: false } } }).map((s) => s.enabled)).toEqual([true, false]);
  });

  it("K19: a second account that would be the same one again cannot run, inherited or written", () => {
    const identified = { ...fakeManifest, identity: "name" };
    const section = { name: "x", accounts: { a: {}, b: { name: "b" }, c: { name: "b" }, off: { enabled: false } } };
    const problems = accountSettings({ fake: section }, [identified]).map(({ problem }) => problem?.message ?? null);
    expect(problems).toEqual([
      null,
      expect.stringContaining("fake/a has the same name as fake/default"),
      null,
      expect.stringContaining("fake/c has the same name as fake/b"),
      null,
    ]);
    // One that is switched off leaves its identity to others.
    const swapped = { name: "x", enabled: true, accounts: { a: { name: "y", enabled: false }, b: { name: "y" } } };
    expect(accountSettings({ fake: swapped }, [identified]).map(({ problem }) => problem)).toEqual([null, null, null]);
  });

  it("an account that is no object is bad alone", () => {
    expect(settings({ name: "x", accounts: { a: 5, b: {} } }).map((s) => s.problem)).toEqual([
      null,
      expect.stringContaining("channels.fake.accounts.a"),
      null,
    ]);
  });

  it("a built-in channel is there without a word", () => {
    const builtIn = { ...fakeManifest, builtIn: true, configSchema: fakeManifest.configSchema };
    expect(accountSettings({}, [builtIn])).toHaveLength(1);
    expect(accountSettings({}, [fakeManifest])).toHaveLength(0);
  });
});
