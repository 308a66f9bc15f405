/** How the sandboxes of a house stand, as it is told: what would be refused at a command is said before. */
import { mkdir, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defaultConfig, defaultsContext } from "../../config/default-config.ts";
import type { Config } from "../../config/schema/root.ts";
import { FakeClock } from "../../platform/fake-clock.ts";
import { systemIds } from "../../platform/ids.ts";
import { bubblewrapMissing } from "../../sandbox/real-box.fixture.ts";
import type { SandboxSettings } from "../../sandbox/desk.ts";
import { createSandboxes, type Sandboxes } from "./sandboxes.ts";

let home = "";
beforeEach(async () => {
  home = await realpath(await mkdtemp(path.join(tmpdir(), "openclaw-sandboxes-")));
});
afterEach(async () => await rm(home, { recursive: true, force: true }));

function house(settings: Partial<SandboxSettings>, workspace?: string): Sandboxes {
  const stateDir = path.join(home, ".openclaw");
  const base = defaultConfig(defaultsContext(home, stateDir));
  const { defaults } = base.agents;
  const sandbox = { ...defaults.sandbox, ...settings };
  const agents = { ...base.agents, defaults: { ...defaults, sandbox, workspace: workspace ?? defaults.workspace } };
  const config: Config = { ...base, agents };
  return createSandboxes({ stateDir, home, clock: new FakeClock(0), ids: systemIds(), config: () => config });
}

describe("sandboxes of a house", () => {
  it.skipIf(bubblewrapMissing)("P15: bubblewrap is found, tried and told with its bounds", async () => {
    expect(await house({ mode: "all" }).status()).toEqual([
      expect.objectContaining({
        agentId: "main",
        mode: "all",
        network: false,
        memoryMb: 2_048,
        trouble: null,
        sandbox: expect.objectContaining({ found: true, kind: "bubblewrap" }),
      }),
    ]);
  });

  it("P15: one that is asked for and cannot be made is told with its reason, and refuses", async () => {
    const none = house({ mode: "all", backend: "docker" });
    const [view] = await none.status();
    expect(view?.sandbox).toEqual({ found: false, why: expect.stringMatching(/Docker .*\.$/) });
    const session = { agentId: "main", sessionKey: "agent:main:main", workspace: path.join(home, "w") };
    expect(await none.desk.choose(session)).toMatchObject({ kind: "refused" });
  });

  it.skipIf(bubblewrapMissing)(
    "R125: a workspace or bind that may not be mounted is told before a command is refused",
    async () => {
      await mkdir(path.join(home, ".ssh"));
      expect(await house({ mode: "all" }, home).status()).toMatchObject([
        { trouble: expect.stringContaining("holds the state directory") },
      ]);
      const bind = house({ mode: "all", binds: [path.join(home, ".ssh")] });
      expect(await bind.status()).toMatchObject([{ trouble: expect.stringContaining(".ssh") }]);
      const long = house({ mode: "all", binds: ["/a:/b:ro"] });
      expect(await long.status()).toMatchObject([{ trouble: expect.stringContaining("/folder:rw") }]);
    },
  );
});
