/** Idempotency keys, devices, documents and the trace of the port. */
import type { DeviceRow, DeviceStore } from "../../device-port.ts";
import type { DocumentStore } from "../../document-port.ts";
import type { IdempotencyStore } from "../../idempotency-port.ts";
import type { TraceStore } from "../../trace-port.ts";
import type { Access } from "../access.ts";
import {
  allDevices,
  deviceById,
  documentOf,
  documentsOf,
  recentTrace,
  traceOf,
  type TraceRecord,
} from "../queries/named.ts";

export function idempotencyStore(access: Access): IdempotencyStore {
  return {
    async begin(key, contentHash, atMs) {
      const begun = await access.write("beginKey", { ...key, contentHash, atMs });
      return { outcome: begun.outcome, result: begun.result === null ? null : parse(begun.result) };
    },
    async complete(key, result, atMs) {
      await access.write("completeKey", { ...key, result: text(result), atMs });
    },
    async release(key) {
      await access.write("releaseKey", key);
    },
    recover: () => access.write("recoverKeys", null),
    prune: (beforeMs) => access.write("pruneKeys", { beforeMs }),
  };
}

export function deviceStore(access: Access): DeviceStore {
  return {
    async get(deviceId) {
      const row = await access.near((db) => deviceById(db, { deviceId }));
      return row === null ? null : (parse(row) as DeviceRow);
    },
    async list() {
      return (await access.near(allDevices)).map((row) => parse(row) as DeviceRow);
    },
    async put(row) {
      await access.write("putDevice", { deviceId: row.deviceId, row: text(row) });
    },
    remove: (deviceId) => access.write("removeDevice", { deviceId }),
  };
}

export function documentStore(access: Access): DocumentStore {
  return {
    async get(namespace, key) {
      const value = await access.near((db) => documentOf(db, { namespace, key }));
      return value === null ? undefined : parse(value);
    },
    async list(namespace) {
      const records = await access.near((db) => documentsOf(db, { namespace }));
      return records.map((record) => ({ key: record.key, value: parse(record.value), atMs: record.at_ms }));
    },
    async put(namespace, key, value, atMs) {
      await access.write("putDocument", { namespace, key, value: text(value), atMs });
    },
    async delete(namespace, key) {
      await access.write("deleteDocument", { namespace, key });
    },
  };
}

export function traceStore(access: Access): TraceStore {
  return {
    async add(events) {
      await access.write("addTrace", { events: events.map((event) => ({ ...event, data: text(event.data) })) });
    },
    async of(id) {
      return (await access.near((db) => traceOf(db, { id }))).map(traceEvent);
    },
    async recent(limit) {
      return (await access.near((db) => recentTrace(db, { limit }))).map(traceEvent);
    },
    prune: (beforeMs, keep) => access.write("pruneTrace", { beforeMs, keep }),
  };
}

function traceEvent(record: TraceRecord): { type: string; atMs: number; data: unknown } {
  return { type: record.type, atMs: record.at_ms, data: parse(record.data) };
}

/** JSON has no undefined; what was nothing is read back as null. */
function text(value: unknown): string {
  return JSON.stringify(value) ?? "null";
}

function parse(json: string): unknown {
  return JSON.parse(json);
}
