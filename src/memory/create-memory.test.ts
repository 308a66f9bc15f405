import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { direct, openWorld, type World } from "./memory.fixture.ts";

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

describe("a memory", () => {
  it("T5: without a provider of embeddings words are searched, and it is said", async () => {
    await world.write("MEMORY.md", "# People\n\nAda likes green tea.\n\n# Places\n\nThe office is in Graz.\n");
    const { hits, notice } = await world.memory.search("tea", direct);
    expect(hits).toEqual([
      {
        path: "MEMORY.md",
        startLine: 1,
        endLine: 3,
        text: "# People\n\nAda likes green tea.",
        score: 1,
        foreign: null,
      },
    ]);
    expect(notice).toBe("Words alone were searched: no embedding model is configured (memory.search.model).");
  });
});
