/** Which files are the gateway's own, and no command's: its settings, its store, its credentials. */
import { isInside } from "../platform/safe-path.ts";

export interface OwnFiles {
  /** Folders and files, absolute. */
  readonly ownPaths: readonly string[];
  /** Folders in which assistants work. One that lies in the state directory is theirs; one around it takes nothing of it. */
  readonly workspaces: readonly string[];
}

export function isOwnFile(file: string, { ownPaths, workspaces }: OwnFiles): boolean {
  return ownPaths.some(
    (own) =>
      isInside(own, file) &&
      !workspaces.some((folder) => isInside(own, folder) && isInside(folder, file) && folder !== own),
  );
}
