/** docs/reference/errors.md, from the table of error codes. */
import { errorCodes, type ErrorCodeRow } from "../../src/domain/error-codes.ts";
import { code, page, table } from "./page.ts";

const families: Readonly<Record<string, string>> = {
  CONN: "Connections to platforms",
  MSG: "Messages",
  SEC: "Security",
  CFG: "Configuration",
  STORE: "Store",
  MODEL: "Models",
  RPC: "Requests",
  RUN: "Turns",
  SYS: "The process",
};

const exitCodes = [
  ["0", "Done."],
  ["1", "Failed."],
  ["2", "Used wrongly."],
  ["69", "The gateway cannot be reached."],
  ["77", "Not allowed."],
  ["78", "The configuration is wrong: a supervisor must not restart on it."],
];

export function render(): string {
  const rows = Object.entries<ErrorCodeRow>(errorCodes);
  const names = [...new Set(rows.map(([name]) => familyOf(name)))];
  return page(
    "Errors",
    "Every error has a code that never changes its meaning. Over WebSocket it is `error.details.code` beside `error.code` (the wire column); over HTTP it stands in the body; a command ends with the exit code. Retry says whether the same request may succeed later.",
    [
      ...names.map((family) => {
        const own = rows.filter(([name]) => familyOf(name) === family);
        return `## ${families[family] ?? family}\n\n${table(["Code", "No.", "Meaning", "What to do", "Wire", "HTTP", "Exit", "Retry"], own.map(cells))}`;
      }),
      `## Exit codes\n\n${table(["Code", "Meaning"], exitCodes)}`,
    ],
  );
}

function cells([name, row]: [string, ErrorCodeRow]): string[] {
  const { numeric, meaning, remedy, wire, http, exit, retry } = row;
  return [code(name), String(numeric), meaning, remedy, code(wire), String(http), String(exit), retry];
}

function familyOf(name: string): string {
  return name.split("_")[0] ?? name;
}
