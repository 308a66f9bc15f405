import { describe, expect, it } from "vitest";
import { judgeAdmission } from "../domain/admission-policy.ts";
import { fakeMessage } from "./fake-channel.fixture.ts";
import { admissionPolicyOf, closedToAll } from "./policy-config.ts";

const context = { chatId: "#room", prefixes: ["irc"], paired: [] };
const group = {
  ...fakeMessage("1"),
  address: { channel: "irc", accountId: "default", chatId: "#room", chatKind: "group" as const },
};
const direct = fakeMessage("2");

describe("policy from settings", () => {
  it("R080b: without a word nobody is let in: strangers have to pair, groups are closed", () => {
    for (const config of [{}, undefined, "nonsense", { dmPolicy: "sure" }, { allowFrom: "*" }]) {
      const policy = admissionPolicyOf(config, context);
      expect(judgeAdmission(direct, policy)).toBe("pairing-required");
      expect(judgeAdmission(group, policy)).toBe("sender-not-allowed");
    }
  });

  it("R080b: open without a wildcard opens nothing", () => {
    expect(judgeAdmission(direct, admissionPolicyOf({ dmPolicy: "open" }, context))).toBe("sender-not-allowed");
    expect(judgeAdmission(direct, admissionPolicyOf({ dmPolicy: "open", allowFrom: ["*"] }, context))).toBeNull();
  });

  it("a group's own settings win over the account's, and its own name over the star", () => {
    const groups = { "*": { requireMention: true }, "#room": { requireMention: false, allowFrom: ["s"] } };
    const policy = admissionPolicyOf({ groups }, context);
    expect(judgeAdmission(group, policy)).toBeNull();
    expect(judgeAdmission(group, admissionPolicyOf({ groups: { "*": {} }, allowFrom: ["s"] }, context))).toBe(
      "not-mentioned",
    );
  });

  it("a group that is not listed, or switched off beside a star, stays closed", () => {
    const settings = { groupPolicy: "open", requireMention: false };
    expect(judgeAdmission(group, admissionPolicyOf({ ...settings, groups: ["#other"] }, context))).toBe(
      "chat-not-allowed",
    );
    const off = { "*": {}, "#room": { enabled: false } };
    expect(judgeAdmission(group, admissionPolicyOf({ ...settings, groups: off }, context))).toBe("groups-disabled");
    expect(judgeAdmission(group, admissionPolicyOf({ ...settings, groups: null }, context))).toBeNull();
  });

  it("R080b: an account that lets nobody in says so", () => {
    expect(closedToAll({ dmPolicy: "allowlist" })).toContain("allowFrom names nobody");
    expect(closedToAll({ dmPolicy: "open", groupPolicy: "disabled" })).toContain("allowFrom names nobody");
    expect(closedToAll({ dmPolicy: "disabled", groupPolicy: "disabled" })).toContain("closed");
    expect(closedToAll({ dmPolicy: "allowlist", allowFrom: ["*"], groupPolicy: "disabled" })).not.toBeNull();
    for (const open of [
      {},
      { dmPolicy: "open", allowFrom: ["*"] },
      { dmPolicy: "disabled", groupPolicy: "open" },
      { dmPolicy: "allowlist", groupAllowFrom: ["x"] },
    ]) {
      expect(closedToAll(open)).toBeNull();
    }
  });

  it("takes number ids as their text", () => {
    expect(admissionPolicyOf({ allowFrom: [42, "x"] }, context).allowFrom).toEqual(["42", "x"]);
  });
});
