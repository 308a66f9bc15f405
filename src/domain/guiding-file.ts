/** Which files of a workspace later turns follow as if a person of the house had said it: words put there would lose their taint. */

/** `name`: from the workspace, with the system's own divider. */
export function guidesAssistant(name: string): boolean {
  const [first = "", ...rest] = name.split(/[\\/]/);
  return rest.length === 0 ? /^[A-Z]+\.md$/i.test(first) : /^(memory|skills)$/i.test(first);
}
