import { describe, expect, it } from "vitest";
import type { RenderOptions } from "../../channels/contract.ts";
import type { DeliverySettings } from "../../domain/delivery-policy.ts";
import type { OutboxRow } from "../../store/port.ts";
import { openWorld, takenUnheard } from "../delivery-world.fixture.ts";
import { piecesOf, repeatLabel } from "./render-part.ts";

describe("a part as its platform shows it", () => {
  it("N4: is cut as the account says, within its limit and the platform's, with room for the label", async () => {
    const world = await openWorld();
    const asked: RenderOptions[] = [];
    const route = world.deps.route({} as never)!;
    const spying = { ...route, render: (text: string, options: RenderOptions) => (asked.push(options), [{ text }]) };
    const row = { id: "a", action: { type: "send" }, reply: { markdown: "hello" }, address: {} } as OutboxRow;
    const cut = (settings: Partial<DeliverySettings>): RenderOptions => {
      piecesOf(row, spying, { ...world.settings, ...settings });
      return asked.at(-1)!;
    };
    const room = repeatLabel.length;
    expect(cut({})).toEqual({ max: 4_096 - room, mode: "markdown" });
    expect(cut({ textChunkLimit: 500, chunkMode: "paragraph" })).toEqual({ max: 500, mode: "paragraph" });
    expect(cut({ textChunkLimit: 10_000, chunkMode: "text" })).toEqual({ max: 4_096 - room, mode: "text" });
  });

  it("has its buttons under the last piece, also where a file is named in the text", async () => {
    const world = await openWorld({ render: (text) => text.split("|") });
    const buttons = [{ label: "Yes", says: "/allow 1" }];
    const attachments = [{ type: "video" as const, fileName: "trip.mp4", url: "https://example.org/trip.mp4" }];
    const reply = { markdown: "one|two", buttons, attachments };
    const row = { id: "a", action: { type: "send" }, reply, address: {} } as unknown as OutboxRow;
    const pieces = piecesOf(row, world.deps.route({} as never)!, world.settings);
    expect(pieces.map((piece) => [piece.text.slice(0, 3), piece.buttons])).toEqual([
      ["one", undefined],
      ["two", buttons],
    ]);
  });

  it("N4: with its label a repeated piece is still within the platform's limit", async () => {
    const max = 100;
    const world = await openWorld({
      manifest: { text: { max, unit: "utf16" } },
      render: (markdown, size) => [markdown.slice(0, size), markdown.slice(size)],
    });
    world.platform.answers.push(takenUnheard(world));
    await world.delivery.start();
    await world.put("a", "x".repeat(150));
    await expect.poll(() => world.state("a")).toBe("sent");
    expect(world.platform.texts().map((text) => text.length)).toEqual([87, max, 63]);
  });

  it("N4: what the account's limit says is not exceeded either, but for the label", async () => {
    const world = await openWorld({ settings: { textChunkLimit: 60 }, render: (text, size) => [text.slice(0, size)] });
    await world.delivery.start();
    await world.put("a", "x".repeat(150));
    await expect.poll(() => world.state("a")).toBe("sent");
    expect(world.platform.texts()).toEqual(["x".repeat(60)]);
  });
});
