/** A merge patch as RFC 7396 has it: objects are merged, null removes, everything else replaces. Pure. */
import { isRecord, type KeyPath } from "../dot-path.ts";
import { redactedText } from "../secret-text.ts";

export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const merged: Record<string, unknown> = isRecord(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (key === "__proto__") continue;
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(Object.hasOwn(merged, key) ? merged[key] : undefined, value);
  }
  return merged;
}

/**
 * What a client saw redacted and sent back means "as it was": the value from `before` at the same place. Places where
 * nothing was before are returned, since the mark itself is never a secret.
 */
export function restoreRedacted(value: unknown, before: unknown): { value: unknown; unknown: readonly KeyPath[] } {
  const unknown: KeyPath[] = [];
  return { value: restore(value, before, { path: [], unknown }), unknown };
}

function restore(value: unknown, before: unknown, context: { path: KeyPath; unknown: KeyPath[] }): unknown {
  if (value === redactedText) {
    if (before === undefined || before === null) context.unknown.push(context.path);
    return before;
  }
  const inside = (key: string | number): typeof context => ({ ...context, path: [...context.path, key] });
  if (Array.isArray(value)) {
    const old: readonly unknown[] = Array.isArray(before) ? before : [];
    return value.map((element, index) => restore(element, old[index], inside(index)));
  }
  if (!isRecord(value)) return value;
  const old = isRecord(before) ? before : {};
  const restored: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    restored[key] = restore(inner, Object.hasOwn(old, key) ? old[key] : undefined, inside(key));
  }
  return restored;
}
