/**
 * The only maker of `ApprovedCommand`: looks at everything again and compares it, by one hash, with what was judged and
 * shown. Between a yes and the start somebody may have changed a script, a program or a folder.
 */
import { AppError } from "../domain/app-error.ts";
import type { ApprovedCommand } from "../domain/authority.ts";
import { mintApprovedCommand } from "../domain/authority-mint.ts";
import type { PlannedCommand } from "./contract.ts";
import { cleanSearchPath, isCommandEnvironment } from "./environment.ts";
import { hardLine, type HardLineFacts } from "./hard-line.ts";
import type { OwnFiles } from "./own-files.ts";
import { readLine } from "./parse.ts";
import { bindingOf, planCommand } from "./plan.ts";

/** Throws SEC_012 where what would run now is not what was judged, SEC_010 for what never runs. */
export async function approveCommand(
  command: PlannedCommand,
  facts: OwnFiles & Pick<HardLineFacts, "gatewayPid">,
): Promise<ApprovedCommand> {
  // A command that waited came back from the store: its words and its hash must still be of one piece.
  if (bindingOf(command) !== command.binding) throw changed("its description does not fit its fingerprint");
  if (!isCommandEnvironment(command.env)) throw changed("its environment has something in it that no command is given");
  const searchPath = command.env["PATH"] ?? "";
  if ((await cleanSearchPath(searchPath, [...facts.workspaces, ...facts.ownPaths])) !== searchPath) {
    throw changed("programs would be looked for elsewhere");
  }
  const reading = await readLine(command.text);
  if (reading.kind === "broken") throw changed(`its line ${reading.why}`);
  const end = await hardLine(reading, { ...facts, cwd: command.cwd, env: command.env });
  if (end !== null) throw new AppError("SEC_010", `The command never runs: it would ${end}.`);
  const planned = await planCommand(reading, command);
  if (!planned.ok) throw changed(planned.why);
  if (planned.plan.unread.length > 0) throw changed(`${planned.plan.unread[0]} cannot be read any more`);
  const now = planned.plan.command;
  if (now.binding !== command.binding) throw changed(difference(command, now));
  return mintApprovedCommand({ argv: now.argv, cwd: now.cwd, env: now.env });
}

function difference(then: PlannedCommand, now: PlannedCommand): string {
  if (then.cwd !== now.cwd) return "the folder is another one";
  const scripts = [...now.scripts, ...then.scripts].find((script) => {
    const hashes = [then, now].map(({ scripts: all }) => all.find(({ path }) => path === script.path)?.sha256);
    return hashes[0] !== hashes[1];
  });
  if (scripts !== undefined) return `${scripts.path} changed`;
  const programs = [...now.programs, ...then.programs].find((program) => {
    const pins = [then, now].map(({ programs: all }) => all.find(({ path }) => path === program.path));
    return pins[0]?.inode !== pins[1]?.inode || pins[0]?.device !== pins[1]?.device;
  });
  return programs === undefined ? "other words would run" : `${programs.path} was exchanged`;
}

function changed(what: string): AppError {
  return new AppError("SEC_012", `What would run is no longer what was allowed: ${what}.`);
}
