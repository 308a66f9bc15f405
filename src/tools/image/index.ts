/** Has a picture looked at, of the workspace or of a public address. Sees nothing itself: a model of the turn does. */
import { z } from "zod";
import { cleanSource } from "../../domain/external.ts";
import { limits } from "../../domain/limits.ts";
import type { Taint } from "../../domain/taint.ts";
import type { Egress } from "../../platform/egress.ts";
import { resolveInside } from "../../platform/safe-path.ts";
import type { Tool } from "../contract.ts";
import type { Vision } from "../vision.ts";
import { imageOfFile, imageOfUrl, type ReadHeader } from "./load-image.ts";

const inputSchema = z
  .object({
    path: z.string().min(1).optional().describe("In the workspace"),
    url: z.string().min(1).max(limits.webUrlChars).optional(),
    question: z.string().trim().min(1).max(limits.imageQuestionChars),
  })
  .refine(({ path, url }) => (path === undefined) !== (url === undefined), {
    error: "give a path or a url, and not both",
  });

type Input = z.infer<typeof inputSchema>;

export interface ImageToolDeps {
  readonly egress: Pick<Egress, "check" | "fetch">;
  readonly vision: Vision;
  /** What a picture's header says. */
  readonly header: ReadHeader;
}

/** A turn's longest wait for one picture and what is said of it. */
const timeoutMs = 120_000;

export function createImageTool({ egress, vision, header }: ImageToolDeps): Tool<Input> {
  return {
    name: "image",
    description: "Looks at a picture and answers a question about it.",
    inputSchema,
    effect: "pure",
    timeoutMs: () => timeoutMs,
    async plan({ path, url }, { workspace }) {
      if (url !== undefined) return { kind: "fetch", url: egress.check(url).url.href };
      const safe = await resolveInside(workspace, path ?? "");
      return { kind: "file", path: safe.path, access: "read", inside: true };
    },
    async run({ path, url, question }, { workspace, runId, signal }) {
      const attachment =
        url === undefined
          ? await imageOfFile(workspace, path ?? "", header)
          : await imageOfUrl(url, { egress, header, signal });
      const text = await vision.look({ runId, attachment, question, signal });
      return { text, from: url === undefined ? fileTaint(path ?? "") : urlTaint(egress.check(url).url) };
    },
  };
}

function fileTaint(path: string): Taint {
  return { class: "local", source: cleanSource(`picture ${path}`) };
}

function urlTaint({ href }: URL): Taint {
  return { class: "foreign", source: cleanSource(`picture ${href}`) };
}
