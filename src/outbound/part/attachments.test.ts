import { describe, expect, it } from "vitest";
import { fitAttachments } from "./attachments.ts";
import { openWorld } from "../delivery-world.fixture.ts";

const large = {
  type: "image",
  fileName: "map.png",
  url: "https://example.org/map.png",
  sizeBytes: 62_000_000,
} as const;
const video = { type: "video", fileName: "trip.mp4", url: "https://example.org/trip.mp4" } as const;
const small = { type: "image", fileName: "dot.png", data: "AAAA", sizeBytes: 3 } as const;

describe("files that a platform does not take", () => {
  it("N12: are named with their address, and the others go along", async () => {
    const world = await openWorld({ manifest: { attachmentBytes: 1_000 } });
    await world.delivery.start();
    await world.put("a", "", { reply: { markdown: "Look.", attachments: [large, small, video] } });
    await expect.poll(() => world.state("a")).toBe("sent");
    const [piece] = world.platform.seen;
    expect(piece?.attachments).toEqual([small]);
    expect(piece?.text).toBe(
      [
        "Look.",
        "",
        "map.png (image, 62 MB, too large to be sent): https://example.org/map.png",
        "trip.mp4 (video): https://example.org/trip.mp4",
      ].join("\n"),
    );
  });

  it("N12: a file without a word is a message, also where only its name can be sent", async () => {
    const world = await openWorld();
    await world.delivery.start();
    await world.put("a", "", { reply: { markdown: "", attachments: [small] } });
    await world.put("b", "", { reply: { markdown: "", attachments: [video] } });
    await expect.poll(() => world.state("b")).toBe("sent");
    expect(world.platform.seen.map(({ text, attachments }) => [text, attachments.length])).toEqual([
      ["", 1],
      ["trip.mp4 (video): https://example.org/trip.mp4", 0],
    ]);
  });

  it("N12: the limit itself is still taken, one byte more is not; bytes that came along are counted", () => {
    const manifest = { capabilities: { sends: ["image"] }, attachmentBytes: 3 } as never;
    const kept = (attachment: object): number | undefined =>
      fitAttachments({ markdown: "", attachments: [{ type: "image", ...attachment }] }, manifest).attachments?.length;
    expect(kept({ sizeBytes: 3 })).toBe(1);
    expect(kept({ sizeBytes: 4 })).toBe(0);
    expect(kept({ data: Buffer.from("four").toString("base64") })).toBe(0);
    expect(kept({ url: "https://example.org/unknown" })).toBe(1);
  });
});
