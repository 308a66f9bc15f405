/** Keys as text, one a line: what a key file and a keychain's entry hold. */
import { AppError } from "../../domain/app-error.ts";
import { keyBytes } from "../../platform/sealing.ts";

export function writeKeys(keys: readonly Buffer[]): string {
  return `${keys.map((key) => key.toString("base64url")).join("\n")}\n`;
}

/** Throws VAULT_001 for anything else. `place`: for the sentence. */
export function readKeys(text: string, place: string): readonly Buffer[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.map((line) => {
    const key = /^[\w-]{43}$/.test(line.trim()) ? Buffer.from(line.trim(), "base64url") : null;
    if (key?.length === keyBytes) return key;
    throw new AppError("VAULT_001", `${place} does not hold a key of ${keyBytes} bytes.`);
  });
}
