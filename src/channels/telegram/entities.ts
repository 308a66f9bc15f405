/** What `render` leaves in a piece's `format`: marks over its text, in Telegram's own form, kept apart from the text. */

export interface OutboundEntity {
  readonly type: string;
  /** In UTF-16 units. */
  readonly offset: number;
  readonly length: number;
}

/** Moved by as much as stands before the text now. Anything that is no list of marks is none. */
export function entitiesOf(format: unknown, shift: number): readonly OutboundEntity[] {
  if (typeof format !== "object" || format === null || !("entities" in format)) return [];
  const { entities } = format;
  if (!Array.isArray(entities)) return [];
  return entities.filter(isEntity).map((entity) => ({ ...entity, offset: entity.offset + shift }));
}

function isEntity(value: unknown): value is OutboundEntity {
  if (typeof value !== "object" || value === null) return false;
  const { type, offset, length } = value as Partial<Record<keyof OutboundEntity, unknown>>;
  return typeof type === "string" && Number.isSafeInteger(offset) && Number.isSafeInteger(length);
}
