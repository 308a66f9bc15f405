/** A gateway's part that starts a command and waits to be killed. Run as a program: `node crash.fixture.ts FOLDER open|boxed`. */
import { mkdir } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { boxedHouse } from "../../sandbox/real-box.fixture.ts";
import { systemClock } from "../../platform/clock.ts";
import { systemIds } from "../../platform/ids.ts";
import { createLeftovers } from "./leftovers.ts";
import { Processes } from "./processes.ts";
import { approvedLine } from "./processes.fixture.ts";

const [, , folder = "", where = "open"] = process.argv;
const workspace = path.join(folder, "workspace");
await mkdir(workspace, { recursive: true });
const leftovers = createLeftovers({
  file: path.join(folder, "commands.json"),
  onError: (error) => void process.stderr.write(String(error)),
});
const findSetpriv = (): Promise<string> => Promise.resolve("/usr/bin/setpriv");
const processes = new Processes({ clock: systemClock(), ids: systemIds(), leftovers, findSetpriv });

const line = "setsid sleep 1000 & sleep 1000 & echo begun > begun; wait";
const command = approvedLine(line, workspace);
const house = where === "boxed" ? await boxedHouse() : null;
const sandbox = await house?.sandbox();
const boxed = await sandbox?.box(command, { ...(house?.bounds() ?? never()), workspace });
await processes.start({
  command,
  boxed: boxed ?? null,
  owner: { agentId: "main", sessionKey: "agent:main:main", parentSessionKey: null },
  text: line,
  timeoutMs: 60_000,
});
process.stdout.write("started\n");
setInterval(() => undefined, 1_000);

function never(): never {
  throw new Error("There is no house.");
}
