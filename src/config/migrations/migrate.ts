/** Older forms of the configuration made into today's: three generations, oldest first. Pure; doing it twice changes nothing. */
import { MigrationDocument, type Move } from "./document.ts";
import { migrateFebruary } from "./february.ts";
import { migrateFlatEra } from "./flat-era.ts";
import { migrateRoutingEra } from "./routing-era.ts";

export interface Migrated {
  /** The very value that was handed in where nothing had to change. */
  readonly value: unknown;
  readonly moves: readonly Move[];
}

/** `channels`: the ids of the channels there are, which older files have as sections of their own. */
export function migrate(value: unknown, channels: readonly string[] = []): Migrated {
  const document = new MigrationDocument(value);
  migrateFlatEra(document, channels);
  migrateRoutingEra(document);
  migrateFebruary(document);
  return { value: document.value, moves: document.moves };
}
