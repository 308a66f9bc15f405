/** The agent's folder before anything is done in it: there, or in words why it cannot be used. */
import { AppError } from "../../domain/app-error.ts";
import { ensurePrivateDir } from "../../platform/atomic-file.ts";

/** Made where it is missing: it is the agent's own, and empty. Throws RUN_003 where a person has to mend it first. */
export async function ensureWorkspace(workspace: string): Promise<void> {
  try {
    await ensurePrivateDir(workspace);
  } catch (cause) {
    throw unusableWorkspace(cause);
  }
}

export function unusableWorkspace(cause: unknown): AppError {
  return new AppError(
    "RUN_003",
    "The workspace cannot be used: in its place is a file or a link that leads nowhere, or it may not be made there. Nothing was done. Say so: a person has to mend it.",
    { cause },
  );
}
