/** Several nodes on one store: they call each other, share the work, and keep the order of each session between them. */
import { expect, it } from "vitest";
import { sideBySide } from "./order.ts";
import { eventually, type World } from "./world.ts";

export function nodeRules(world: () => World): void {
  it("G3, M5: 1,000 messages of 50 sessions run once each on two nodes, each session in its order", async () => {
    expect(await sideBySide(world(), [25, 25])).toBe(20);
    expect(world().begun).toHaveLength(1_000);
    expect(new Set(world().begun).size).toBe(1_000);
  }, 60_000);

  // No clock is moved in these: what a node hears of, it hears from the other one.
  it("M3: a node that has no worker free calls one that has", async () => {
    const busy = await world().node({ capacity: 1 });
    const idle = await world().node({ capacity: 1 });
    await busy.add("a");
    await busy.add("b");
    await eventually(() => idle.begun).toEqual(["b"]);
    expect(busy.begun).toEqual(["a"]);
  });

  it("M3: what waits behind a turn of another node runs when that turn ends", async () => {
    const first = await world().node({ capacity: 1 });
    const second = await world().node({ capacity: 1 });
    await first.add("a", { sessionKey: "s" });
    await eventually(() => first.begun).toEqual(["a"]);
    await second.add("b", { sessionKey: "s" });
    await first.end("a");
    await eventually(() => world().begun).toEqual(["a", "b"]);
  });

  it("M3: a node that closes leaves its work to the other", async () => {
    const leaving = await world().node({ capacity: 1 });
    await leaving.add("a");
    await eventually(() => leaving.begun).toEqual(["a"]);
    await leaving.add("b");
    await leaving.add("c");
    const closing = leaving.queue.close();
    await leaving.end("a");
    await closing;
    const staying = await world().node({ capacity: 2 });
    await eventually(() => staying.begun.toSorted()).toEqual(["b", "c"]);
  });
}
