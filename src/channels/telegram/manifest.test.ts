/** Which settings an account may have. */
import { describe, expect, it } from "vitest";
import { accountSettings } from "../account-settings.ts";
import { manifest } from "./manifest.ts";

const botToken = "123456:ABC-def_1234";
const problems = (settings: unknown): readonly string[] | undefined =>
  manifest.configSchema.safeParse(settings).error?.issues.map(({ path }) => path.join("."));

describe("settings", () => {
  it("a token is all that is needed, and what is not said is closed", () => {
    expect(manifest.configSchema.parse({ botToken })).toMatchObject({
      apiRoot: "https://api.telegram.org",
      dmPolicy: "pairing",
      groupPolicy: "allowlist",
      requireMention: true,
      replyToMode: "first",
      reactionNotifications: "own",
      linkPreview: true,
    });
    expect(problems({})).toEqual(["botToken"]);
    expect(problems({ tokenFile: "/run/secrets/bot" })).toBeUndefined();
  });

  it("a token that could change an address is none", () => {
    for (const wrong of ["", "x", "1:", "1:a/b", "1:a b", "1:a?x", "a:b", "1:ä", `1:${"a".repeat(200)}`]) {
      expect(problems({ botToken: wrong }), wrong).toEqual(["botToken"]);
    }
  });

  it("the token goes in the clear to nobody but this machine", () => {
    for (const apiRoot of [
      "https://api.example.org",
      "http://127.0.0.1:8081",
      "http://localhost:1",
      "http://[::1]:1/x",
    ]) {
      expect(problems({ botToken, apiRoot }), apiRoot).toBeUndefined();
    }
    for (const apiRoot of [
      "http://api.telegram.org",
      "http://127.0.0.1.example.org",
      "http://10.0.0.1",
      "ftp://127.0.0.1",
      "https://u:p@example.org",
      "https://example.org/?x=",
      "x",
    ]) {
      expect(problems({ botToken, apiRoot }), apiRoot).toEqual(["apiRoot"]);
    }
    expect(manifest.configSchema.parse({ botToken, apiRoot: "https://example.org/api//" }).apiRoot).toBe(
      "https://example.org/api",
    );
  });

  it("K19: accounts take what they do not say from the section around them, and one bad token leaves the others alone", () => {
    const telegram = {
      allowFrom: [1001],
      accounts: {
        home: { botToken },
        work: { botToken: "654321:xyz", allowFrom: ["tg:1002"] },
        broken: { botToken: "x" },
      },
    };
    const accounts = accountSettings({ telegram }, [manifest]).map(({ accountId, config, problem }) => [
      accountId,
      (config as { allowFrom?: unknown } | undefined)?.allowFrom,
      problem?.code,
    ]);
    expect(accounts).toEqual([
      ["home", ["1001"], undefined],
      ["work", ["tg:1002"], undefined],
      ["broken", undefined, "CFG_004"],
    ]);
  });

  it("says what Telegram allows, for whoever keeps to it", () => {
    const { messagesPerSecond, messagesPerChat, editsPerMinute, attachmentBytes, text } = manifest;
    expect({ messagesPerSecond, messagesPerChat, editsPerMinute, attachmentBytes, text }).toEqual({
      messagesPerSecond: 30,
      messagesPerChat: { directPerSecond: 1, groupPerMinute: 20 },
      editsPerMinute: 20,
      attachmentBytes: 50 * 1024 * 1024,
      text: { max: 4096, unit: "utf16" },
    });
  });
});
