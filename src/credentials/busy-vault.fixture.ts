/** A process that does nothing but change a vault, until it is killed: counts, rotates, moves the key to a new file. */
import { setImmediate as turn } from "node:timers/promises";
import { systemClock } from "../platform/clock.ts";
import { createVault } from "./vault.ts";

const [folder = "", from = "0"] = process.argv.slice(2);
const vault = createVault({ folder, clock: systemClock(), redactor: { add: () => undefined } });

// The lines in between are there so that a kill after so many bytes falls on any of the steps.
const say = (text: string): void => void process.stdout.write(`${text}\n`);

for (let count = Number(from) + 1; ; count += 1) {
  say("writing");
  await vault.scoped("gateway").write("count", String(count));
  say(`count ${count}`);
  const work = count % 3 === 0 ? vault.rekey("file") : vault.rotate();
  say("sealing");
  await turn();
  say("still sealing");
  await work;
  say("sealed");
}
