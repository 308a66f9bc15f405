/** Where the facts go that a compaction finds: the notes of the agent's workspace, as the configuration of the moment has it. */
import type { MemoryNotes } from "../../agent/context/contract.ts";
import type { Config } from "../../config/schema/root.ts";
import { workspaceOf } from "../../config/workspace.ts";
import { appendNote } from "../../memory/notes/append-note.ts";

export function createMemoryNotes(config: () => Config): MemoryNotes {
  return {
    async append(note) {
      const { agents } = config();
      const place = { workspace: workspaceOf({ agents }, note.agentId), timeZone: agents.defaults.userTimezone };
      return (await appendNote(note, place)).outcome;
    },
  };
}
