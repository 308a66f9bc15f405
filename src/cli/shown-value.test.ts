import { describe, expect, it } from "vitest";
import { shownValue } from "./shown-value.ts";

const hidden = "__OPENCLAW_REDACTED__";

describe("a value that a command repeats", () => {
  it.each([
    ["gateway.auth.token", "canary", hidden],
    ["gateway.auth", { mode: "token", token: "canary" }, { mode: "token", token: hidden }],
    ["models.providers.own.headers.x-team", "canary", hidden],
    ["agents.list[3].apiKey", "canary", hidden],
    ['channels.irc.accounts["my.net"].password', "canary", hidden],
    ["channels.irc.channels[2]", { name: "#room", key: "canary" }, { name: "#room", key: hidden }],
    ["gateway.auth.token", "${TOKEN}", "${TOKEN}"],
    ["agents.list[3].name", "Claw", "Claw"],
    ["gateway.port", 5, 5],
  ])("R018: %s = %j is shown as %j", async (path, value, shown) => {
    expect(await shownValue(path, value)).toEqual(shown);
  });
});
