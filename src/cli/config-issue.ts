/** One mistake in the configuration as a person reads it: where, which setting, what. */
import type { ConfigIssue } from "../config/contract.ts";

export function issueText({ file, line, path, message }: ConfigIssue): string {
  const where = line === null ? file : `${file}:${line}`;
  // A mistake of the whole file names the file itself.
  if (path === "") return message.startsWith(file) ? message : `${where}: ${message}`;
  return `${where} ${path}: ${message}`;
}
