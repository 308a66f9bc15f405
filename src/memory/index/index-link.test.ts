import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";

it("T1: a process with nothing else to do waits for the end of the memory's thread", () => {
  const link = new URL("index-link.ts", import.meta.url).href;
  const program = `
    const { createIndexLink } = await import(${JSON.stringify(link)});
    const { systemClock } = await import(new URL("../../platform/clock.ts", ${JSON.stringify(link)}).href);
    const log = { debug() {}, warn() {}, error() {} };
    const index = createIndexLink({ clock: systemClock(), log, onIdle() {} });
    const place = { agentId: "main", workspace: "/dev/null", file: "/dev/null/main.sqlite" };
    await index.call("state", { place }).catch(() => "there is no such folder");
    await index.close();
    console.log("closed");
  `;
  const { stdout, status } = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
  expect({ stdout, status }).toEqual({ stdout: "closed\n", status: 0 });
});
