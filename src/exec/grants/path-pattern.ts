/** Patterns on the real path of a program: `*` and `?` within a folder, `**` over folders, upper and lower case alike. */
import path from "node:path";

/** Absolute or below the home folder, without a way up, and not so wide that it names no folder at all. */
export function isUsablePattern(pattern: string): boolean {
  if (!pattern.startsWith("/") && !pattern.startsWith("~/") && !/^[A-Za-z]:[\\/]/.test(pattern)) return false;
  const parts = pattern.split(/[\\/]/);
  if (/[\p{Cc}\p{Cf}]/u.test(pattern) || parts.includes("..") || parts.includes(".")) return false;
  return parts.slice(1).some((part) => /[^*?]/.test(part));
}

export function matchesPattern(pattern: string, realPath: string, homeDir: string | undefined): boolean {
  if (!isUsablePattern(pattern) || (pattern.startsWith("~/") && homeDir === undefined)) return false;
  const whole = pattern.startsWith("~/") ? path.posix.join(homeDir ?? "/", pattern.slice(2)) : pattern;
  return new RegExp(`^${expression(whole)}$`, "isu").test(realPath);
}

/** A pattern that matches this path alone; null where the path has signs that a pattern reads otherwise. */
export function exactPattern(realPath: string): string | null {
  return /[*?]/.test(realPath) || !isUsablePattern(realPath) ? null : realPath;
}

function expression(pattern: string): string {
  return pattern.replaceAll(/\*\*\/?|\*|\?|[^*?]+/g, (piece) => {
    if (piece === "**/") return "(?:[^/]+/)*";
    if (piece === "**") return ".*";
    if (piece === "*") return "[^/]*";
    return piece === "?" ? "[^/]" : piece.replaceAll(/[\\^$.|+()[\]{}/]/g, "\\$&");
  });
}
