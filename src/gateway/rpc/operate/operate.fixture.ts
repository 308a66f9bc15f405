/** What an operator finds: messages that ended dead and parts in every state, in the store of a stage. For tests. */
import {
  createNames,
  draftOf,
  entryOf,
  resultOf,
  startTurn,
  t0,
  type Names,
} from "../../../store/conformance/samples.ts";
import type { AppErrorJson } from "../../../domain/app-error.ts";
import type { InboxEntry, OutboxDraft, OutboxRow, Store } from "../../../store/port.ts";

export const lost: AppErrorJson = { code: "MSG_002", message: "no answer", retry: "later", details: {} };

export interface Scene {
  readonly names: Names;
  /** A message that was given up; returns its entry. */
  deadMessage(changes?: Partial<InboxEntry>, reason?: string): Promise<InboxEntry>;
  /** The reply of a turn that ended, as it stands in the outbox. */
  reply(changes?: Partial<OutboxDraft>): Promise<OutboxRow>;
  /** A reply that was being sent and then this. */
  sent(...platformMessageIds: string[]): Promise<OutboxRow>;
  failed(error?: AppErrorJson): Promise<OutboxRow>;
  unknown(): Promise<OutboxRow>;
  held(): Promise<OutboxRow>;
}

export function sceneOf(store: Store, scope = "scene"): Scene {
  const names = createNames(scope);
  const rowOf = async (id: string): Promise<OutboxRow> => {
    const row = await store.outbox.get(id);
    if (row === null) throw new Error(`no part ${id}`);
    return row;
  };
  async function reply(changes: Partial<OutboxDraft> = {}): Promise<OutboxRow> {
    const chat = names.next("chat");
    const lease = await startTurn(store, entryOf(names, `agent:main:irc:default:dm:${chat}`));
    const draft = draftOf(names, chat, changes);
    await store.turns.finish(lease, resultOf({ outbox: [draft] }));
    return rowOf(draft.id);
  }
  async function begun(): Promise<OutboxRow> {
    const row = await reply();
    await store.outbox.sending(row.id, t0 + 2_000);
    return row;
  }
  return {
    names,
    async deadMessage(changes = {}, reason = "too-many-attempts") {
      const entry = entryOf(names, `agent:main:irc:default:dm:${names.next("chat")}`, changes);
      await store.inbox.admit(entry, { atMs: t0 });
      await store.inbox.end(entry.message.id, "dead", reason, t0 + 1_000);
      return entry;
    },
    reply,
    async sent(...platformMessageIds) {
      const { id } = await begun();
      await store.outbox.progress(id, platformMessageIds.length, platformMessageIds, t0 + 2_500);
      await store.outbox.settle(id, { state: "sent", platformMessageIds }, t0 + 3_000);
      return rowOf(id);
    },
    async failed(error = lost) {
      const { id } = await begun();
      await store.outbox.settle(id, { state: "failed", error }, t0 + 3_000);
      return rowOf(id);
    },
    async unknown() {
      const { id } = await begun();
      await store.outbox.settle(id, { state: "unknown", error: lost }, t0 + 3_000);
      return rowOf(id);
    },
    held: () => reply({ state: "held" }),
  };
}
