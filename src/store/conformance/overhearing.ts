/** Rules of what was said in a group without addressing the assistant, and of finding an event by its key. */
import { beforeEach, expect, it } from "vitest";
import { limits } from "../../domain/limits.ts";
import type { Rig } from "../conformance.ts";
import type { InboxEntry } from "../port.ts";
import { createNames, drain, entryOf, t0 } from "./samples.ts";

export function overhearingRules(rig: Rig): void {
  const names = createNames("overheard");
  const reject = async (entry: InboxEntry, reason = "not-mentioned"): Promise<InboxEntry> => {
    await rig.store().inbox.reject(entry, reason, t0);
    return entry;
  };
  const withoutContent = (entry: InboxEntry): InboxEntry => ({
    ...entry,
    message: { ...entry.message, content: [], raw: null },
  });
  const accept = async (entry: InboxEntry): Promise<string> => {
    await rig.store().inbox.admit(entry, { atMs: t0 });
    return entry.message.id;
  };
  beforeEach(() => drain(rig.store()));

  it("gives back what was said since the last accepted message, oldest first, the newest of it", async () => {
    const key = names.next("s");
    const before = await reject(entryOf(names, key));
    const first = await accept(entryOf(names, key));
    const said = [];
    for (let index = 0; index < 4; index += 1) said.push((await reject(entryOf(names, key))).message);
    await reject(withoutContent(entryOf(names, key)));
    await reject(entryOf(names, key), "sender-not-allowed");
    await reject(entryOf(names, names.next("other")));
    const asked = await accept(entryOf(names, key));
    const late = await reject(entryOf(names, key));
    const { inbox } = await rig.reopen();
    expect(await inbox.overheard(key, { beforeMessageId: asked, limit: 10 })).toEqual(said);
    expect(await inbox.overheard(key, { beforeMessageId: asked, limit: 3 })).toEqual(said.slice(1));
    expect(await inbox.overheard(key, { beforeMessageId: first, limit: 10 })).toEqual([before.message]);
    const last = await accept(entryOf(names, key));
    expect(await inbox.overheard(key, { beforeMessageId: last, limit: 10 })).toEqual([late.message]);
    const nothing = await accept(entryOf(names, key));
    expect(await inbox.overheard(key, { beforeMessageId: nothing, limit: 10 })).toEqual([]);
    expect(await inbox.overheard(key, { beforeMessageId: "nobody", limit: 10 })).toEqual([]);
  });

  it("forgets what was said with the session", async () => {
    const key = names.next("s");
    await reject(entryOf(names, key));
    await accept(entryOf(names, key));
    await rig.store().sessions.delete(key);
    const asked = await accept(entryOf(names, key));
    expect(await rig.store().inbox.overheard(key, { beforeMessageId: asked, limit: 10 })).toEqual([]);
  });

  it("finds an event by its dedupe key: the newest of those that had it", async () => {
    const first = entryOf(names, names.next("s"));
    await reject(first);
    expect((await rig.store().inbox.byDedupeKey(first.dedupeKey))?.message.id).toBe(first.message.id);
    const again = { ...entryOf(names, first.sessionKey), dedupeKey: first.dedupeKey };
    await rig.store().inbox.admit(again, { atMs: t0 + limits.idempotencyTtlMs + 1 });
    const { inbox } = await rig.reopen();
    expect((await inbox.byDedupeKey(first.dedupeKey))?.message.id).toBe(again.message.id);
    expect(await inbox.byDedupeKey("nobody")).toBeNull();
  });
}
