import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { contentTypes } from "../domain/message.ts";
import { capabilityTable } from "./capability-table.ts";
import { channelConfigSchemas, channelManifests, channelModule, channelPrefixes } from "./registry.ts";

describe("registry", () => {
  it("K20: the table of what channels can do is made from their manifests", async () => {
    const table = capabilityTable(channelManifests());
    expect(table.map(({ id, idempotency, textLimit, can }) => [id, idempotency, textLimit, can.join(" ")])).toEqual([
      ["irc", "blind", "350 bytes", "quotes groups"],
      ["telegram", "blind", "4096 UTF-16 units", "threads edits deletes reactions typing quotes voice groups"],
      ["webchat", "native", "1048576 UTF-16 units", ""],
    ]);
    for (const row of table) expect(Object.values(row.sends), row.id).not.toContain("no");
    // What the table says is what the code does: each manifest is its module's own.
    for (const manifest of channelManifests()) expect((await channelModule(manifest.id)).manifest).toBe(manifest);
  });

  it("K20 J4: every cell of channel and content type says sent as it is, or how it is degraded", () => {
    for (const { id, capabilities, degrades } of channelManifests()) {
      for (const type of contentTypes) {
        const cell = capabilities.sends.includes(type) ? "as it is" : degrades?.[type];
        expect(cell, `${id} × ${type}`).toBeTruthy();
      }
    }
  });

  it("loads no channel's code for a manifest", () => {
    const registry = JSON.stringify(new URL("./registry.ts", import.meta.url).href);
    const script = `
      import { registerHooks } from "node:module";
      const urls = [];
      registerHooks({ resolve(name, context, next) { const found = next(name, context); urls.push(found.url); return found; } });
      const loaded = () => urls.some((url) => url.includes("/marked/") || url.endsWith("/irc/index.ts"));
      const { channelManifests, channelModule } = await import(${registry});
      channelManifests();
      const before = loaded();
      await channelModule("irc");
      console.log(JSON.stringify([before, loaded()]));
    `;
    const { stdout, status } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
    // The second value shows that the first one could have been true.
    expect([status, stdout.trim()]).toEqual([0, "[false,true]"]);
  });

  it("names what does not exist", async () => {
    await expect(channelModule("nosuch")).rejects.toMatchObject({ code: "CFG_004" });
    expect(Object.keys(channelConfigSchemas())).toEqual(channelManifests().map((manifest) => manifest.id));
    expect(channelPrefixes("irc")).toEqual(["irc"]);
  });
});
