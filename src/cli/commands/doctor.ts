/** `openclaw doctor`: looks at everything a newcomer gets wrong, says what it found and how to mend it. Changes nothing. */
import type { Command } from "commander";
import { withConnection } from "../connect-options.ts";
import type { CliContext, ConnectOptions } from "../contract.ts";
import { diagnose } from "../doctor/diagnose.ts";
import type { Finding } from "../doctor/finding.ts";

export function register(program: Command, context: CliContext): void {
  withConnection(program.command("doctor").description("Find out what is wrong, and how to mend it")).action(
    async (options: ConnectOptions) => {
      const findings = await diagnose(context, options);
      context.output.result({ findings }, (value) =>
        value.findings.map((finding) => line(finding, context)).join("\n"),
      );
      if (findings.some((finding) => finding.verdict === "bad")) context.exit(1);
    },
  );
}

const marks: Readonly<Record<Finding["verdict"], string>> = { good: "ok  ", weak: "note", bad: "BAD " };

function line(finding: Finding, { output }: CliContext): string {
  const head = `${marks[finding.verdict]} ${finding.check.padEnd(14)} ${finding.text}`;
  return finding.remedy === null ? head : `${head}\n${" ".repeat(20)}${output.dim(finding.remedy)}`;
}
