/** The whole configuration as one schema, for its type and its reference. Loading uses the sections one by one. */
import * as z from "zod";
import { sectionSchemas, type Sections } from "./sections.ts";

type SectionShape = { [Name in keyof typeof sectionSchemas]: ReturnType<(typeof sectionSchemas)[Name]> };

/** Made on each call: nobody who only needs the type pays for it. */
export function configSchema(): z.ZodObject<SectionShape> {
  const shape = Object.fromEntries(Object.entries(sectionSchemas).map(([name, make]) => [name, make()]));
  return z.object(shape as unknown as SectionShape);
}

export type Config = Sections;
