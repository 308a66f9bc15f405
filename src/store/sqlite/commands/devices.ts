/** Paired devices, one JSON row each: they are few and always read whole. */
import type { Database } from "../database.ts";

export function putDevice(db: Database, args: { deviceId: string; row: string }): null {
  db.run(
    `INSERT INTO device (device_id, row) VALUES (?, ?) ON CONFLICT (device_id) DO UPDATE SET row = excluded.row`,
    args.deviceId,
    args.row,
  );
  return null;
}

export function removeDevice(db: Database, args: { deviceId: string }): boolean {
  return db.run(`DELETE FROM device WHERE device_id = ?`, args.deviceId) > 0;
}
