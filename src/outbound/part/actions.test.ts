import { describe, expect, it } from "vitest";
import { AppError } from "../../domain/app-error.ts";
import { crash, lost, openWorld, passTime, type World } from "../delivery-world.fixture.ts";
import { repeatLabel } from "./render-part.ts";

/** A message of ours that can be changed; its platform id is `p1`. */
async function withMessage(options: Parameters<typeof openWorld>[0] = {}): Promise<World> {
  const world = await openWorld(options);
  await world.delivery.start();
  await world.put("first", "hello", { runId: "r1" });
  await expect.poll(() => world.state("first")).toBe("sent");
  return world;
}

const edit = { action: { type: "edit", messageId: "p1" } } as const;
const gone = (): { outcome: "not-sent"; error: AppError } => ({
  outcome: "not-sent",
  error: new AppError("MSG_002", "message to edit not found", { retry: "never" }),
});

describe("edits, deletions and reactions", () => {
  it("N13: an edit reaches the message, and what does not fit in it follows as messages", async () => {
    const world = await withMessage();
    await world.put("e", "better|and more", edit);
    await expect.poll(() => world.state("e")).toBe("sent");
    expect(world.platform.texts()).toEqual(["better", "and more"]);
    expect((await world.row("e"))?.platformMessageIds).toEqual(["p1", "p2"]);
  });

  it("N13: they keep the order of their chat", async () => {
    const world = await withMessage();
    world.connected = false;
    await world.put("r", "", { action: { type: "react", messageId: "p1", emoji: "👍" } });
    await world.put("m", "between");
    await world.put("d", "", { action: { type: "delete", messageId: "p1" } });
    const order: string[] = [];
    world.bus.on("message.sent", ({ partId }) => void order.push(partId));
    world.connected = true;
    world.delivery.wake();
    await expect.poll(() => world.state("d")).toBe("sent");
    expect(order).toEqual(["r", "m", "d"]);
    expect(world.platform.messages.get("p1")).toMatchObject({ deleted: true, reaction: "👍" });
  });

  it("N13: after a restart they reach the right platform id", async () => {
    const first = await withMessage();
    await first.put("other", "something else");
    await expect.poll(() => first.state("other")).toBe("sent");
    await crash(first);
    const second = await openWorld({ folder: first.folder });
    for (const piece of first.platform.seen) second.platform.take(piece);
    const [messageId = "none"] = (await second.row("first"))?.platformMessageIds ?? [];
    await second.delivery.start();
    await second.put("e", "corrected", { action: { type: "edit", messageId } });
    await expect.poll(() => second.state("e")).toBe("sent");
    expect(second.platform.texts()).toEqual(["corrected", "something else"]);
  });

  it("N13: a doubt about one is repeated, without a label", async () => {
    const world = await withMessage();
    world.platform.changes.push(lost, lost, lost);
    await world.put("e", "better", edit);
    await passTime(world, async () => (await world.state("e")) === "sent");
    await world.put("d", "", { action: { type: "delete", messageId: "p1" } });
    await passTime(world, async () => (await world.state("d")) === "sent");
    expect(world.platform.messages.get("p1")).toMatchObject({ text: "better", deleted: true });
  });

  it("N13: behind its first piece an edit is a message like any other: a doubt is labelled", async () => {
    const world = await withMessage();
    world.platform.answers.push((piece) => (world.platform.take(piece), lost()));
    await world.put("e", "better|more", edit);
    await passTime(world, async () => (await world.state("e")) === "sent");
    expect(world.platform.texts()).toEqual(["better", "more", `${repeatLabel}more`]);
  });

  it("N13: a channel that cannot do it fails the part with a typed error", async () => {
    const world = await withMessage();
    const route = world.deps.route;
    const plain = await openWorld();
    // A connection without the methods is a channel without the capability.
    const { edit: _edit, delete: _delete, react: _react, ...connection } = route({} as never)!.connection;
    Object.assign(plain.deps, { route: () => ({ ...route({} as never)!, connection }) });
    const { createDelivery } = await import("../deliver.ts");
    const delivery = createDelivery(plain.deps);
    await delivery.start();
    await plain.put("e", "better", edit);
    await plain.put("d", "", { action: { type: "delete", messageId: "p1" } });
    await plain.put("r", "", { action: { type: "react", messageId: "p1", emoji: "👍" } });
    delivery.wake();
    for (const id of ["e", "d", "r"]) {
      await expect.poll(() => plain.state(id)).toBe("failed");
      expect((await plain.row(id))?.error?.code).toBe("MSG_004");
    }
    await delivery.close(new AbortController().signal);
  });

  it("a turn whose own message is gone says its text anew; somebody else's edit of it fails", async () => {
    const world = await withMessage();
    world.platform.changes.push(gone, gone);
    await world.put("foreign", "better", edit);
    await expect.poll(() => world.state("foreign")).toBe("failed");
    await world.put("own", "the whole answer", { ...edit, runId: "r1" });
    await expect.poll(() => world.state("own")).toBe("sent");
    expect(world.platform.texts()).toEqual(["hello", "the whole answer"]);
  });

  it("a text that is said anew is labelled where the first saying is in doubt, also after a crash", async () => {
    const world = await withMessage();
    world.platform.changes.push(gone);
    world.platform.answers.push((piece) => (world.platform.take(piece), new Promise(() => undefined)));
    await world.put("own", "the whole answer", { ...edit, runId: "r1" });
    await expect.poll(() => world.platform.texts().length).toBe(2);
    await crash(world);
    const second = await openWorld({ folder: world.folder });
    await second.delivery.start();
    await passTime(second, async () => (await second.state("own")) === "sent");
    expect(second.platform.texts()).toEqual([`${repeatLabel}the whole answer`]);
  });
});
