/** Words and vectors together: scores against a reference, and what happens while vectors are missing or made anew. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { limits } from "../domain/limits.ts";
import { direct, group, openWorld, until, vectorOf, type World } from "./memory.fixture.ts";
import { byScore, mergeScores } from "./index/merge.ts";

let world: World;
beforeEach(async () => {
  world = await openWorld();
  world.server.wanted = { provider: "p", model: "one" };
});
afterEach(() => world.close());

const vocabulary = ["tea", "rum", "cat", "dog", "Graz", "Wien", "money", "rose", "boat", "snow", "book", "lamp"];

/** Notes of three to nine words; the same every time. */
function corpus(count: number): string[] {
  let state = 7;
  const next = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
  return Array.from({ length: count }, (_, index) =>
    [`item${index}`, ...Array.from({ length: 3 + next(7) }, () => vocabulary[next(vocabulary.length)])].join(" "),
  );
}

interface Scored {
  readonly text: string;
  readonly score: number;
}

/** By the formulas, over everything: cosine by brute force, BM25 with k1 = 1.2 and b = 0.75. */
function reference(notes: readonly string[], query: string, limit: number, dimensions: number): Scored[] {
  const asked = limit * 4;
  const unit = (text: string): number[] => {
    const vector = vectorOf(text, dimensions);
    const length = Math.hypot(...vector);
    return vector.map((value) => value / length);
  };
  const wanted = unit(query);
  const near = notes
    .map((text) => ({ text, score: unit(text).reduce((sum, value, at) => sum + value * (wanted[at] ?? 0), 0) }))
    .toSorted((left, right) => right.score - left.score)
    .slice(0, asked);
  const tokens = notes.map((text) => text.toLowerCase().split(" "));
  const average = tokens.reduce((sum, one) => sum + one.length, 0) / notes.length;
  const terms = [...new Set(query.toLowerCase().split(" "))];
  const words = notes
    .map((text, index) => {
      const score = terms.reduce((sum, term) => {
        const holding = tokens.filter((one) => one.includes(term)).length;
        const idf = Math.max(1e-6, Math.log((notes.length - holding + 0.5) / (holding + 0.5)));
        const times = tokens[index]?.filter((token) => token === term).length ?? 0;
        const length = tokens[index]?.length ?? 0;
        return sum + (idf * (times * 2.2)) / (times + 1.2 * (0.25 + (0.75 * length) / average));
      }, 0);
      return { text, score };
    })
    .filter(({ score }) => score > 0)
    .toSorted((left, right) => right.score - left.score)
    .slice(0, asked);
  const best = words[0]?.score ?? 1;
  const scores = new Map(near.map(({ text, score }) => [text, 0.7 * Math.min(1, Math.max(0, score))]));
  for (const { text, score } of words) scores.set(text, (scores.get(text) ?? 0) + (0.3 * score) / best);
  return [...scores]
    .map(([text, score]) => ({ text, score }))
    .toSorted((left, right) => right.score - left.score)
    .slice(0, limit);
}

async function remember(notes: readonly string[]): Promise<void> {
  await world.write(
    "memory/a.md",
    notes.map((text, index) => `# \n${text}`.replace("# \n", index === 0 ? "" : "\n# x\n")).join("\n"),
  );
  await world.memory.index("main");
}

describe("words and vectors", () => {
  it("T3 T4: score as a reference implementation has it", async () => {
    const notes = corpus(300);
    await world.write("memory/a.md", notes.map((text, index) => `## 12:00 private main s${index}\n${text}`).join("\n"));
    await world.memory.index("main");
    for (const query of ["tea", "cat Graz", "boat snow lamp", "item7 rum", "nothing known", "Wien Wien money"]) {
      for (const limit of [1, 6, 10]) {
        const { hits, notice } = await world.memory.search(query, direct, { limit });
        expect(notice).toBeNull();
        const wanted = reference(notes, query, limit, world.server.dimensions);
        expect(hits.map(({ score }) => score.toFixed(5))).toEqual(wanted.map(({ score }) => score.toFixed(5)));
        // Of two that score alike in the fifth place, either may come first.
        const known = new Map(
          reference(notes, query, 300, world.server.dimensions).map((one) => [one.text, one.score]),
        );
        for (const { text, score } of hits.slice(0, -1)) expect(known.get(text)).toBeCloseTo(score, 4);
      }
    }
  });

  it("T4: for ten, forty are asked of each side: the forty-first of both is not there", () => {
    const side = (offset: number) =>
      Array.from({ length: limits.memoryCandidates * 10 }, (_, index) => ({
        id: index + offset,
        score: 1 / (index + 1),
      }));
    expect(limits.memoryCandidates).toBe(4);
    expect(mergeScores(side(0), side(100)).size).toBe(80);
  });

  it("T3: vectors that have nothing in common are no find, and words that do are one all the same", () => {
    const near = [0.5, 0.01, 0.009, 0, -1].map((score, id) => ({ id, score }));
    expect([...mergeScores(near, []).keys()]).toEqual([0, 1]);
    expect([...mergeScores(near, [{ id: 4, score: 2 }])]).toContainEqual([4, 0.3]);
  });

  it("T3: what scores alike stands by its place in the files", () => {
    const row = (id: number, path: string, startLine: number) => ({ id, path, startLine, score: 0.5 });
    const rows = [row(1, "b", 1), row(2, "a", 9), row(3, "a", 2), row(4, "a", 2)];
    expect(rows.toSorted(byScore).map(({ id }) => id)).toEqual([3, 4, 2, 1]);
    expect(
      rows
        .toReversed()
        .toSorted(byScore)
        .map(({ id }) => id),
    ).toEqual([3, 4, 2, 1]);
  });

  it("R079: vectors show a group no more than words do", async () => {
    await world.memory.save("salary of Ada", direct);
    await world.memory.save("salary day is Friday", group);
    await world.memory.index("main");
    const { hits } = await world.memory.search("salary of Ada", group);
    expect(hits.map(({ text }) => text)).toEqual(["salary day is Friday"]);
  });
});

describe("making vectors", () => {
  it("T7: only what is new is asked for, also when a file is moved or comes back", async () => {
    await world.write("memory/a.md", "# one\n\ntea\n\n# two\n\nrum\n");
    await world.memory.index("main");
    expect(world.server.asked.flat().toSorted()).toEqual(["# one\n\ntea", "# two\n\nrum"]);
    await world.write("memory/a.md", "# one\n\ntea\n\n# two\n\nrum\n\n# three\n\ncat\n");
    await world.memory.index("main");
    expect(world.server.asked.flat()).toHaveLength(3);
    await world.write("memory/b.md", await world.read("memory/a.md"));
    await world.write("memory/a.md", "");
    await world.memory.index("main", { all: true });
    await world.write("memory/a.md", "# one\n\ntea\n");
    expect(await world.memory.index("main")).toMatchObject({ chunks: 4, embedded: 4, trouble: null, model: "p/one" });
    expect(world.server.asked.flat()).toHaveLength(3);
  });

  it("T5: requests have at most so many texts and bytes", async () => {
    await remember(Array.from({ length: 200 }, (_, index) => `note ${index} ${"long ".repeat(250)}`));
    for (const texts of world.server.asked) {
      expect(texts.length).toBeLessThanOrEqual(limits.embeddingBatch);
      expect(Buffer.byteLength(texts.join(""))).toBeLessThanOrEqual(limits.embeddingBatchBytes);
    }
    expect(new Set(world.server.asked.flat()).size).toBe(200);
  });

  it("T5: while the server fails, words are searched with a notice; later what is missing is made", async () => {
    world.server.answer = () => new Response("no", { status: 503 });
    await world.write("memory/a.md", "Ada likes tea");
    const indexing = world.memory.index("main");
    await until(() => expect(world.server.asked.length).toBeGreaterThan(0));
    await world.clock.advance(60_000);
    expect((await indexing).trouble).toContain("503");
    const { hits, notice } = await world.memory.search("tea", direct);
    expect(hits.map(({ score }) => score)).toEqual([1]);
    expect(notice).toContain("Words alone were searched: The embedding provider answered 503.");
    world.server.answer = null;
    await until(async () => {
      await world.clock.advance(limits.embeddingPauseMs);
      expect(await world.memory.status("main")).toMatchObject({ embedded: 1, trouble: null, indexing: false });
    });
    expect((await world.memory.search("tea", direct)).notice).toBeNull();
  });

  it("T5: a question whose vector does not come in time is answered by words", async () => {
    await world.write("memory/a.md", "Ada likes tea");
    await world.memory.index("main");
    world.server.answer = () => new Promise<Response>(() => undefined);
    const before = world.server.asked.length;
    const answer = world.memory.search("tea", direct);
    await until(() => expect(world.server.asked).toHaveLength(before + 1));
    await world.clock.advance(limits.embeddingQueryTimeoutMs);
    const { hits, notice } = await answer;
    expect(hits).toHaveLength(1);
    expect(notice).toContain("did not answer within 5 s");
  });

  it("T5: garbage is never kept", async () => {
    world.server.answer = (texts) => Response.json({ data: texts.map(() => ({ embedding: ["NaN", 1] })) });
    await world.write("memory/a.md", "Ada likes tea");
    const indexing = world.memory.index("main");
    await until(async () => {
      await world.clock.advance(limits.embeddingBackoffCapMs);
      expect(world.server.asked).toHaveLength(limits.embeddingAttempts);
    });
    expect(await indexing).toMatchObject({ embedded: 0, model: null });
    expect((await world.memory.search("tea", direct)).hits).toHaveLength(1);
  });

  it("T5: a provider that is not there leaves the words", async () => {
    world.server.wanted = { provider: "nobody", model: "m" };
    await world.write("memory/a.md", "Ada likes tea");
    expect((await world.memory.index("main")).trouble).toContain("no model provider named nobody");
    expect((await world.memory.search("tea", direct)).hits).toHaveLength(1);
  });
});

describe("another model", () => {
  it("T7: until it has every vector, questions are asked of the old one; none comes back empty", async () => {
    await remember(corpus(150));
    world.server.wanted = { provider: "p", model: "two" };
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    let answered = 0;
    const dimensionsOf = (): number => (world.server.models.at(-1) === "one" ? 16 : 24);
    world.server.answer = async (texts) => {
      // Questions are single texts; of the memory's own, the first batch comes at once and the second waits.
      const dimensions = dimensionsOf();
      if (texts.length > 1 && (answered += 1) > 1) await gate;
      return Response.json({ data: texts.map((text) => ({ embedding: vectorOf(text, dimensions) })) });
    };
    const indexing = world.memory.index("main");
    await until(() => expect(answered).toBe(2));
    for (const query of ["tea", "unheard", "snow boat"]) {
      const { hits, notice } = await world.memory.search(query, direct);
      expect(hits.length, query).toBeGreaterThan(0);
      expect(notice).toBeNull();
      expect(world.server.models.at(-1)).toBe("one");
    }
    expect(await world.memory.status("main")).toMatchObject({ model: "p/one", indexing: true });
    release();
    expect(await indexing).toMatchObject({ model: "p/two", chunks: 150, embedded: 150 });
    expect((await world.memory.search("unheard", direct)).hits.length).toBeGreaterThan(0);
    expect(world.server.models.at(-1)).toBe("two");
  });

  it("T7: of another length under the same name is made anew, once; one that changes its mind again is left alone", async () => {
    await remember(corpus(70));
    world.server.dimensions = 24;
    const first = await world.memory.search("tea", direct);
    expect(first.notice).toContain("the embedding model changed");
    expect(first.hits.length).toBeGreaterThan(0);
    await world.memory.save("one more", direct);
    expect(await world.memory.index("main")).toMatchObject({ embedded: 71, chunks: 71, trouble: null });
    expect((await world.memory.search("unheard", direct)).notice).toBeNull();
    world.server.dimensions = 16;
    await world.memory.save("and one", direct);
    expect((await world.memory.index("main")).trouble).toContain("vectors of 24 and 16 numbers");
  });

  it("T7: while everything is looked at anew, every question has its answer", async () => {
    await remember(corpus(400));
    let isDone = false;
    const indexing = world.memory.index("main", { all: true }).finally(() => {
      isDone = true;
    });
    let asked = 0;
    while (!isDone || asked === 0) {
      expect((await world.memory.search("tea", direct)).hits).toHaveLength(6);
      expect((await world.memory.search("unheard", direct)).hits).toHaveLength(6);
      asked += 1;
    }
    expect(await indexing).toMatchObject({ chunks: 400, embedded: 400 });
  });

  it("T7: is abandoned where the first one is wanted again", async () => {
    await remember(corpus(70));
    const asked = world.server.asked.length;
    world.server.wanted = { provider: "p", model: "two" };
    world.server.answer = (texts) =>
      world.server.models.at(-1) === "two" && texts.length < 10
        ? new Response("no", { status: 400 })
        : Response.json({ data: texts.map((text) => ({ embedding: vectorOf(text, 16) })) });
    await world.memory.index("main");
    world.server.wanted = { provider: "p", model: "one" };
    expect(await world.memory.index("main")).toMatchObject({ model: "p/one", embedded: 70 });
    expect(world.server.models.slice(asked).filter((model) => model === "one")).toEqual([]);
  });
});
