/** `$include`: files that make one configuration, and files that must not. */
import { symlink } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { testHome, told } from "../fixtures/home.ts";

describe("$include", () => {
  it("Q2: files nest, lists are joined, objects merged, and what stands beside wins", async () => {
    const home = await testHome(`{
      $include: ["./base.json5", "./parts/second.json5"],
      gateway: { port: 3 },
      agents: { list: [{ id: "own" }] },
      session: { $include: "./parts/session.json5" },
    }`);
    await home.put("base.json5", `{ gateway: { port: 1, host: "base" }, agents: { list: [{ id: "base" }] } }`);
    await home.put("parts/second.json5", `{ $include: "./third.json5", gateway: { host: "second" } }`);
    await home.put("parts/third.json5", `{ agents: { list: [{ id: "third" }] } }`);
    await home.put("parts/session.json5", `{ mainKey: "hall" }`);
    const loaded = await home.load();
    expect(told(loaded)).toEqual([]);
    expect(loaded.config.gateway).toMatchObject({ port: 3, host: "second" });
    expect(loaded.config.agents.list.map((agent) => agent.id)).toEqual(["base", "third", "own"]);
    expect(loaded.config.session.mainKey).toBe("hall");
    expect(loaded.files).toHaveLength(5);
  });

  it("Q5: a mistake in an included file is told with that file and its line", async () => {
    const home = await testHome(`{ $include: ["a.json5", "b.json5"],\n logging: { level: "x" } }`);
    await home.put("a.json5", `{ agents: { list: [{ id: "a" }] } }`);
    await home.put("b.json5", `{\n\n agents: { list: [\n { id: 5 } ] } }`);
    expect(told(await home.load()).filter((line) => line.startsWith("error"))).toEqual([
      "error b.json5:4 agents.list[1].id expected text, got 5",
      'error openclaw.json:2 logging.level expected one of "trace", "debug", "info", "warn", "error", "fatal", "silent", got "x"',
    ]);
  });

  it.each([
    ["a circle", "./loop.json5", "includes itself"],
    ["a path upwards", "../outside.json5", "outside the folder"],
    ["a path that climbs out and in", "./parts/../../outside.json5", "outside the folder"],
    ["an absolute path", "/etc/passwd", "outside the folder"],
    ["a link out of the folder", "./link.json5", "leads outside"],
    ["a folder", "./parts", "is not a file"],
    ["a file that is not there", "./gone.json5", "cannot be read"],
    ["a NUL", "./a\\u0000b", "not one"],
    ["too deep a nest", "./deep-0.json5", "deeper than"],
    ["an explosion", "./bomb-0.json5", "more than"],
  ])("Q2: %s is refused", async (_name, target, reason) => {
    const home = await testHome();
    const dir = path.join(home.dir, "inner");
    await home.put("outside.json5", `{ logging: { level: "debug" } }`);
    await home.put("inner/openclaw.json", `{ $include: "${target}" }`);
    await home.put("inner/loop.json5", `{ $include: "./parts/back.json5" }`);
    await home.put("inner/parts/back.json5", `{ $include: "../loop.json5" }`);
    for (let index = 0; index < 12; index += 1) {
      await home.put(`inner/deep-${index}.json5`, `{ $include: "./deep-${index + 1}.json5" }`);
      await home.put(
        `inner/bomb-${index}.json5`,
        index < 9 ? `{ $include: ["./bomb-${index + 1}.json5", "./bomb-${index + 1}.json5"] }` : "{}",
      );
    }
    await symlink(path.join(home.dir, "outside.json5"), path.join(dir, "link.json5"));
    const loaded = await home.load({
      environment: home.environment({ OPENCLAW_CONFIG_PATH: path.join(dir, "openclaw.json") }),
    });
    expect(loaded.source).toBe("defaults");
    expect(told(loaded)[0]).toContain(reason);
    expect(loaded.config.logging.level).toBe("info");
  });
});
