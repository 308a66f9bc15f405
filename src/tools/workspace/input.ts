/** The names that models use for the fields of file tools, read as ours. The schema that is shown knows one name each. */
import { z } from "zod";

type Raw = Readonly<Record<string, unknown>>;
type OtherNames = Readonly<Record<string, readonly string[]>>;

/** Where a field is missing and one of its other names is there, that is taken; `reshape` may do more. What is not an object is left as it is. */
export function aliased<Shape extends z.ZodRawShape>(
  shape: Shape,
  otherNames: OtherNames,
  reshape: (input: Raw) => Raw = (input) => input,
): { inputSchema: z.ZodType<z.output<z.ZodObject<Shape>>>; shownSchema: Raw } {
  const schema = z.object(shape);
  const { $schema: _dialect, ...shown } = z.toJSONSchema(schema, { io: "input", override: withoutBounds });
  const read = (raw: unknown): unknown => (isRaw(raw) ? reshape(renamed(raw, otherNames)) : raw);
  return { inputSchema: z.preprocess(read, schema), shownSchema: shown };
}

/** Every request carries the schema: bounds that no honest call comes near are told when they are passed, not before. */
function withoutBounds({ jsonSchema }: { readonly jsonSchema: Record<string, unknown> }): void {
  for (const bound of ["minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum"])
    delete jsonSchema[bound];
}

export function renamed(raw: Raw, otherNames: OtherNames): Raw {
  const input: Record<string, unknown> = { ...raw };
  for (const [name, others] of Object.entries(otherNames)) {
    const other = others.find((candidate) => input[candidate] !== undefined);
    if (input[name] === undefined && other !== undefined) input[name] = input[other];
  }
  return input;
}

export function isRaw(raw: unknown): raw is Raw {
  return typeof raw === "object" && raw !== null && !Array.isArray(raw);
}

export const pathNames = ["file_path", "filePath", "filename", "file"] as const;
export const folderNames = ["file_path", "directory", "dir", "folder"] as const;

/** Longest path that is looked at; the rest of what makes a path is asked by its own guard. */
export const pathField = z.string().max(4_096);
