import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { checkLayers } from "../../scripts/layers.ts";
import { root } from "../../scripts/source-hash.mjs";
import { temporaryFolder } from "./temporary-folder.ts";

/** A house that keeps every rule; a test plants one fault in it. */
const sound = {
  "tsconfig.json": readFileSync(path.join(root, "tsconfig.json"), "utf8"),
  "package.json": '{ "type": "module", "devDependencies": { "vitest": "*" } }',
  "src/domain/money.ts": "export const zero = 0;",
  "src/domain/authority-mint.ts": "export const mint = (): string => 'a';",
  "src/platform/egress.ts": 'export { mint } from "../domain/authority-mint.ts";',
  "src/store/port.ts": 'export { zero } from "../domain/money.ts";',
  "src/channels/contract.ts": "export interface Channel { readonly id: string }",
  "src/channels/registry.ts": 'export const load = () => import("./irc/index.ts");',
  "src/channels/irc/index.ts":
    'import type { Channel } from "../contract.ts";\nexport const irc: Channel = { id: "irc" };',
  "src/outbound/deliver.ts": 'import type { Channel } from "../channels/contract.ts";\nexport type Target = Channel;',
  "src/app/compose.ts": 'export { zero } from "../store/port.ts";\nexport { load } from "../channels/registry.ts";',
  "src/cli/main.ts": 'export const run = () => import("../app/compose.ts");',
};

async function violations(planted: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const files = { ...sound, ...planted };
  const folder = temporaryFolder(files);
  const sources = Object.keys(files).filter((file) => file.startsWith("src/"));
  const report = await checkLayers(folder, sources);
  expect(report.modules).toBeGreaterThanOrEqual(sources.length);
  return report.violations;
}

describe("the layer check", () => {
  it("finds nothing in a sound house", async () => {
    expect(await violations({})).toEqual([]);
  });

  it.each([
    [
      "a lower floor that imports an upper one",
      "floor-domain",
      { "src/domain/bad.ts": 'export { zero } from "../store/port.ts";' },
    ],
    [
      "a type taken from an upper floor",
      "floor-platform",
      { "src/platform/bad.ts": 'import type { Channel } from "../channels/contract.ts";\nexport type Bad = Channel;' },
    ],
    [
      "more of the channels than their contract",
      "floor-outbound",
      { "src/outbound/bad.ts": 'export { load } from "../channels/registry.ts";' },
    ],
    [
      "a concrete channel named outside its registry",
      "channels-by-registry-only",
      { "src/app/bad.ts": 'export { irc } from "../channels/irc/index.ts";' },
    ],
    [
      "a channel that knows another channel",
      "channels-by-registry-only",
      { "src/channels/web/index.ts": 'export { irc } from "../irc/index.ts";' },
    ],
    [
      "authority made by somebody who is no guard",
      "authority-is-minted-by-guards",
      { "src/app/bad.ts": 'export { mint } from "../domain/authority-mint.ts";' },
    ],
    [
      "a command that loads the gateway at once",
      "cli-loads-app-late",
      { "src/cli/bad.ts": 'export { zero } from "../app/compose.ts";' },
    ],
    [
      "a domain that touches the machine",
      "domain-is-pure",
      { "src/domain/bad.ts": 'export { readFile } from "node:fs";' },
    ],
    [
      "HTTP that does not leave through the egress guard",
      "http-leaves-through-egress",
      { "src/channels/irc/bad.ts": 'export { request } from "node:https";' },
    ],
    [
      "a database opened outside the store",
      "one-reader-of-the-database-driver",
      { "src/app/bad.ts": 'export { DatabaseSync } from "node:sqlite";' },
    ],
    [
      "R117: a program started where nobody decided about it",
      "programs-start-in-few-places",
      { "src/tools/exec/bad.ts": 'export { spawn } from "node:child_process";' },
    ],
    [
      "a shipped file that imports a test",
      "nothing-shipped-imports-a-proof",
      { "src/app/bad.ts": 'export { a } from "./a.test.ts";', "src/app/a.test.ts": "export const a = 1;" },
    ],
    ["an import that leads nowhere", "everything-resolves", { "src/app/bad.ts": 'export { a } from "./gone.ts";' }],
    [
      "a room without a floor",
      "no-room-without-a-floor",
      { "src/misplaced/thing.ts": 'export { zero } from "../domain/money.ts";' },
    ],
    [
      "a circle",
      "no-cycle",
      {
        "src/app/a.ts": 'export { b } from "./b.ts";\nexport const a = 1;',
        "src/app/b.ts": 'export { a } from "./a.ts";\nexport const b = 1;',
      },
    ],
  ])("finds %s", async (_what, rule, planted) => {
    expect(await violations(planted)).toEqual(
      expect.arrayContaining([expect.stringMatching(new RegExp(`^${rule}: `))]),
    );
  });

  it("fails when it has not looked at a file that git knows", async () => {
    const folder = temporaryFolder(sound);
    const { violations: found } = await checkLayers(folder, ["src/domain/money.ts", "src/store/unseen.ts"]);
    expect(found).toContain("not-looked-at: src/store/unseen.ts");
  });
});
