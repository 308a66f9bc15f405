/** Where a text that was not found may have been meant, by the numbers of lines alone: words of the file are shown by `read`. */

/** One sentence. */
export function nearestLines(text: string, wanted: string): string {
  const lines = text.split("\n");
  const parts = wanted.replace(/\n$/, "").split("\n").slice(0, mostLines);
  if (lines.length * parts.length > mostComparisons) return again;
  const near = bestWindow(lines.map(plain), parts.map(plain));
  if (near === null) return again;
  const [from, to] = [near.index + 1, near.index + parts.length];
  const span = from === to ? `Line ${from}` : `Lines ${from}-${to}`;
  const offset = ` Read from there (offset ${from}) and copy it exactly.`;
  if (near.same === parts.length) return `${span} would match but for blanks or case.${offset}`;
  return `${span} come nearest: ${near.same} of ${parts.length} lines are the same.${offset}`;
}

const again = "Nothing in it comes near; read the file again.";
const mostLines = 50;
const mostComparisons = 5_000_000;

function bestWindow(
  lines: readonly string[],
  parts: readonly string[],
): { readonly index: number; readonly same: number } | null {
  let best: { index: number; same: number } | null = null;
  const only = parts.length === 1 ? (parts[0] ?? "") : null;
  for (let index = 0; index < lines.length; index += 1) {
    const same = parts.filter((part, place) => {
      const line = lines[index + place];
      return part !== "" && (only === null ? line === part : line?.includes(part));
    }).length;
    if (same > (best?.same ?? 0)) best = { index, same };
  }
  const blank = parts.filter((part) => part === "").length;
  return best === null ? null : { ...best, same: best.same + blank };
}

function plain(line: string): string {
  return line.trim().replaceAll(/\s+/g, " ").toLowerCase();
}
