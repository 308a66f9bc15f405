/** Every schema version in order. A published one is never changed: what must change is a new one at the end. */
import type { Migration } from "../migrate.ts";
import { first } from "./001-first.ts";
import { delivery } from "./002-delivery.ts";
import { budgets } from "./003-budgets.ts";
import { ledger } from "./004-ledger.ts";
import { acting } from "./005-acting.ts";

export const migrations: readonly Migration[] = [first, delivery, budgets, ledger, acting];
