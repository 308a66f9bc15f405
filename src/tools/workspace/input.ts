/** The names that models use for the fields of file tools, read as ours. The schema that is shown knows one name each. */
import { z } from "zod";

/** Where a field is missing and one of its other names is there, that is taken. What is not an object is left as it is. */
export function aliased<Shape extends z.ZodRawShape>(
  shape: Shape,
  otherNames: Readonly<Record<string, readonly string[]>>,
): { inputSchema: z.ZodType<z.output<z.ZodObject<Shape>>>; shownSchema: Readonly<Record<string, unknown>> } {
  const schema = z.object(shape);
  const { $schema: _dialect, ...shown } = z.toJSONSchema(schema, { io: "input" });
  return {
    inputSchema: z.preprocess((raw) => renamed(raw, otherNames), schema),
    shownSchema: shown,
  };
}

function renamed(raw: unknown, otherNames: Readonly<Record<string, readonly string[]>>): unknown {
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) return raw;
  const input: Record<string, unknown> = { ...raw };
  for (const [name, others] of Object.entries(otherNames)) {
    const other = others.find((candidate) => input[candidate] !== undefined);
    if (input[name] === undefined && other !== undefined) input[name] = input[other];
  }
  return input;
}

export const pathNames = ["file_path", "filePath", "filename", "file"] as const;
export const folderNames = ["file_path", "directory", "dir", "folder"] as const;

/** Longest path that is looked at; the rest of what makes a path is asked by its own guard. */
export const pathField = z.string().max(4_096);
