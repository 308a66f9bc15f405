/** Where a name leads: an alias may stand for another alias. A chain that comes back to itself leads nowhere. */

/** Without a circle: the first name that is no alias. With one: every name of it, the first again at the end. */
export type FollowedAlias =
  | { readonly name: string; readonly circle?: undefined }
  | { readonly circle: readonly string[]; readonly name?: undefined };

/** `aliases` by their lower case. A name that `isModel` knows is at its end, whatever alias is spelt the same. */
export function followAlias(
  name: string,
  aliases: ReadonlyMap<string, string>,
  isModel: (name: string) => boolean,
): FollowedAlias {
  const passed: string[] = [];
  const seen = new Set<string>();
  for (let current = name; ;) {
    const next = isModel(current) ? undefined : aliases.get(current.toLowerCase());
    if (next === undefined) return { name: current };
    passed.push(current);
    if (seen.has(current.toLowerCase())) return { circle: passed };
    seen.add(current.toLowerCase());
    current = next;
  }
}
