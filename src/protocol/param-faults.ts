/** Turns a failed validation into the one sentence that clients of the protocol know how to read. */
import type { ZodError } from "zod";
import { AppError } from "../domain/app-error.ts";

/** At most this many faults are named: a client that sent garbage is not owed a catalogue of it. */
const namedFaults = 3;

export function invalidParams(method: string, error: ZodError): AppError {
  const faults = error.issues.slice(0, namedFaults).map(describe);
  return new AppError("RPC_003", `invalid ${method} params: ${faults.join("; ")}`);
}

type Issue = ZodError["issues"][number];

function describe(issue: Issue): string {
  const pointer = issue.path.map((part) => `/${String(part)}`).join("");
  if (issue.code === "unrecognized_keys") {
    const names = issue.keys.map((key) => `'${key}'`).join(", ");
    return `${at(pointer)}must NOT have additional properties: ${names}`;
  }
  if (issue.code === "invalid_type" && issue.message.endsWith("received undefined") && issue.path.length > 0) {
    const parent = issue.path.slice(0, -1).map((part) => `/${String(part)}`);
    return `${at(parent.join(""))}must have required property '${String(issue.path.at(-1))}'`;
  }
  return `${at(pointer)}${issue.message}`;
}

function at(pointer: string): string {
  return pointer === "" ? "" : `at ${pointer}: `;
}
