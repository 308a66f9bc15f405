/** Which part became which message of a platform: written with the confirmation, gone with the part. */
import type { Address } from "../../../domain/message.ts";
import type { PartAction } from "../../port.ts";
import type { Database } from "../database.ts";
import type { PartRecord } from "../records.ts";

/** `ids` is JSON. A message that a later part replaced is that part's from then on. */
export function rememberPlatformIds(db: Database, row: PartRecord, ids: string): void {
  if (!becomesMessage(row.action)) return;
  const { channel, accountId, chatId } = JSON.parse(row.address) as Address;
  for (const id of JSON.parse(ids) as string[]) {
    db.run(
      `INSERT INTO platform_message (channel, account, chat_id, platform_id, part) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET part = excluded.part WHERE part <> excluded.part`,
      channel,
      accountId,
      chatId,
      id,
      row.seq,
    );
  }
}

/** What takes a message away, or puts an emoji to it, is not what stands in it. */
function becomesMessage(action: string | null): boolean {
  if (action === null) return true;
  const { type } = JSON.parse(action) as PartAction;
  return type === "send" || type === "edit";
}
