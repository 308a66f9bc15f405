/** The end of a part whose text another part says: nothing of it is lost, and nobody needs to know of it. */
import { AppError, type AppErrorJson } from "../../domain/app-error.ts";

export function superseded(): AppError {
  return new AppError("RUN_001", "The answer was begun anew; another part says it.", { details: { superseded: true } });
}

export function isSuperseded(error: Pick<AppErrorJson, "details">): boolean {
  return error.details["superseded"] === true;
}
