/** Values that are typed as options, read strictly: what is no such value is wrong usage, and never a guess. */
import { AppError } from "../domain/app-error.ts";

/** 1 to 500. Throws SYS_003 for anything else. */
export function wholeNumber(text: string, option: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 500) throw new AppError("SYS_003", `${option} takes 1 to 500.`);
  return value;
}

/** `90s`, `30m`, `12h`, `7d`, `2w` in milliseconds. */
export function spanMs(text: string, option: string): number {
  const [, count, unit = ""] = /^(\d{1,6})\s*([smhdw])$/.exec(text.trim()) ?? [];
  if (count === undefined || !Object.hasOwn(unitsMs, unit))
    throw new AppError("SYS_003", `${option} takes a time such as 30m, 12h or 7d.`);
  return Number(count) * (unitsMs[unit] ?? 0);
}

const unitsMs: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** An ISO time or milliseconds since the epoch. */
export function timeMs(text: string, option: string): number {
  const ms = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isFinite(ms)) return ms;
  throw new AppError("SYS_003", `${option} takes a time such as 2026-11-20T12:00:00Z.`);
}
