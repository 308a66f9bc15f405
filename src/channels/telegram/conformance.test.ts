import { describe, it } from "vitest";
import { channelConformance, type InboundFixture } from "../conformance.ts";
import recorded from "./fixtures/inbound.json" with { type: "json" };
import { telegram } from "./index.ts";
import { telegramHarness } from "./platform.fixture.ts";

const fixtures: readonly InboundFixture[] = recorded.map(({ name, payload, expected }) => ({
  name,
  payload: JSON.stringify(payload),
  expected: expected as InboundFixture["expected"],
}));

describe("telegram against a Telegram of our own", () => {
  for (const { name, exempt, run } of channelConformance(telegram, telegramHarness(fixtures))) {
    if (exempt === null) it(`${rows(name)}: ${name}`, run, 30_000);
    else it.skip(`K21: ${name} (exempt: ${exempt})`);
  }
});

function rows(name: string): string {
  if (name.startsWith("parsing")) return "K21 J3 J7";
  return name.includes("content type") || name.includes("kind of file") ? "K21 J4" : "K21";
}
