/** What went wrong with a file, in words that a model can act on. Paths of the machine stay out of them. */
import { AppError } from "../../domain/app-error.ts";
import { visibleName } from "./visible-name.ts";

/** RUN_003 for whatever the system or the disk said; SEC_007, RUN_001 and RUN_003 stay what they are. */
export function fileFailure(thrown: unknown, name: string): AppError {
  if (thrown instanceof AppError) {
    if (thrown.code === "STORE_001" || thrown.code === "STORE_002") return fileFailure(thrown.cause, name);
    return thrown;
  }
  const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
  const words = said[code] ?? `could not be used (${code || "unknown reason"})`;
  return new AppError("RUN_003", `${visibleName(name)} ${words}.`, { cause: thrown });
}

/** Runs the work and says its failure in words. */
export async function inWords<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw fileFailure(thrown, name);
  }
}

const full = "was not written: the disk is full. Nothing was changed. Free some space, or write less";

const said: Readonly<Record<string, string>> = {
  ENOENT: "does not exist",
  EISDIR: "is a folder, not a file",
  ENOTDIR: "is not there: a part of its path is a file, not a folder",
  ENOTEMPTY: "is a folder that is not empty",
  EEXIST: "is there already",
  EACCES: "may not be opened: the gateway has no permission for it",
  EPERM: "may not be changed: the system does not permit it",
  EROFS: "cannot be changed: its disk is read-only",
  ENOSPC: full,
  EDQUOT: full,
  EFBIG: "was not written: it would be too large for its disk",
  ENAMETOOLONG: "has a name that is too long for its disk",
  EMFILE: "could not be opened now: too many files are open. Try it again",
  ENFILE: "could not be opened now: too many files are open. Try it again",
  EIO: "could not be used: the disk reports an error",
  ETXTBSY: "cannot be changed while it runs",
  ENXIO: "is not an ordinary file",
  ELOOP: "is a link that leads nowhere or was exchanged for one",
};
