/** Who may write where: the whole table of policies, lists and kinds of chat. */
import { describe, expect, it } from "vitest";
import { closedPolicy, judgeAdmission, type AdmissionPolicy, type PolicyRefusal } from "./admission-policy.ts";
import { noMentions, type ChatKind, type InboundMessage } from "./message.ts";

function messageFrom(
  senderId: string,
  chatKind: ChatKind,
  { mentioned = false, handle = "someone" } = {},
): InboundMessage {
  return {
    id: "m1",
    kind: "message",
    address: { channel: "irc", accountId: "default", chatId: chatKind === "dm" ? senderId : "#room", chatKind },
    sender: { id: senderId, handle },
    platformMessageId: "p1",
    content: [{ type: "text", text: "hello" }],
    mentions: { ...noMentions, self: mentioned },
    sentAtMs: 0,
    receivedAtMs: 0,
    raw: null,
  };
}

function policy(part: Partial<AdmissionPolicy>): AdmissionPolicy {
  return { ...closedPolicy, prefixes: ["irc"], ...part };
}

describe("who may write directly", () => {
  const known = "account:ada";
  const cases: readonly (readonly [AdmissionPolicy["dmPolicy"], readonly string[], string, PolicyRefusal | null])[] = [
    ["open", ["*"], "account:bob", null],
    ["open", [], "account:bob", "sender-not-allowed"],
    ["open", [known], "account:bob", "sender-not-allowed"],
    ["allowlist", [known], known, null],
    ["allowlist", [`irc:${known}`], known, null],
    ["allowlist", [`telegram:${known}`], known, "sender-not-allowed"],
    ["allowlist", ["*"], known, "sender-not-allowed"],
    ["allowlist", [], known, "sender-not-allowed"],
    ["pairing", [known], known, null],
    ["pairing", ["*"], known, "pairing-required"],
    ["pairing", [], known, "pairing-required"],
    ["disabled", ["*"], known, "direct-messages-disabled"],
  ];
  it.each(cases)("E14: dmPolicy %s with allowFrom %j answers %s with %s", (dmPolicy, allowFrom, sender, expected) => {
    expect(judgeAdmission(messageFrom(sender, "dm"), policy({ dmPolicy, allowFrom }))).toBe(expected);
  });

  it("lets a paired sender in, for direct messages alone", () => {
    const paired = policy({ paired: [known], groupPolicy: "allowlist", requireMention: false });
    expect(judgeAdmission(messageFrom(known, "dm"), paired)).toBeNull();
    expect(judgeAdmission(messageFrom(known, "group"), paired)).toBe("sender-not-allowed");
  });

  it("R065: a name that anybody can take opens no door, unless an administrator says that it may", () => {
    const listed = policy({ dmPolicy: "allowlist", allowFrom: ["ada"] });
    const impostor = messageFrom("host:evil@example.net", "dm", { handle: "ada" });
    expect(judgeAdmission(impostor, listed)).toBe("sender-not-allowed");
    expect(judgeAdmission(impostor, { ...listed, allowHandles: true })).toBeNull();
  });
});

describe("who may write in a group", () => {
  const member = "account:ada";
  for (const groupPolicy of ["open", "allowlist", "disabled"] as const) {
    for (const listed of [true, false]) {
      for (const requireMention of [true, false]) {
        for (const mentioned of [true, false]) {
          const expected = expectedInGroup({ groupPolicy, listed, requireMention, mentioned });
          it(`E14: ${groupPolicy}, ${listed ? "listed" : "unlisted"}, mention ${requireMention ? "required" : "not required"} and ${mentioned ? "given" : "not given"}: ${expected ?? "passes"}`, () => {
            const rules = policy({ groupPolicy, requireMention, groupAllowFrom: listed ? [member] : [] });
            for (const kind of ["group", "channel", "thread"] as const) {
              expect(judgeAdmission(messageFrom(member, kind, { mentioned }), rules)).toBe(expected);
            }
          });
        }
      }
    }
  }

  it("listens only in the groups it is told to", () => {
    const rules = policy({ groupPolicy: "open", requireMention: false, groups: ["#other"] });
    expect(judgeAdmission(messageFrom(member, "group"), rules)).toBe("chat-not-allowed");
    expect(judgeAdmission(messageFrom(member, "group"), { ...rules, groups: ["irc:#room"] })).toBeNull();
  });

  it("R066: a chat's id never stands for a sender's", () => {
    const rules = policy({ groupPolicy: "allowlist", groupAllowFrom: ["#room"], requireMention: false });
    expect(judgeAdmission(messageFrom(member, "group"), rules)).toBe("sender-not-allowed");
  });

  it("R080b: an account without any list admits nobody", () => {
    for (const kind of ["dm", "group", "channel", "thread"] as const) {
      expect(judgeAdmission(messageFrom(member, kind, { mentioned: true }), closedPolicy)).not.toBeNull();
    }
  });
});

function expectedInGroup(cell: {
  groupPolicy: AdmissionPolicy["groupPolicy"];
  listed: boolean;
  requireMention: boolean;
  mentioned: boolean;
}): PolicyRefusal | null {
  if (cell.groupPolicy === "disabled") return "groups-disabled";
  if (cell.groupPolicy === "allowlist" && !cell.listed) return "sender-not-allowed";
  return cell.requireMention && !cell.mentioned ? "not-mentioned" : null;
}
