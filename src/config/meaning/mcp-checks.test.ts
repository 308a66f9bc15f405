/** What is said of servers that speak MCP and cannot be meant. */
import { describe, expect, it } from "vitest";
import { limits } from "../../domain/limits.ts";
import { defaultConfig } from "../default-config.ts";
import { testHome } from "../fixtures/home.ts";
import { formatPath } from "../dot-path.ts";
import { mcpSchema } from "../schema/mcp.ts";
import { mcpFindings } from "./mcp-checks.ts";

function findingsOf(servers: object): readonly string[] {
  const mcp = mcpSchema().parse({ servers });
  return mcpFindings({ ...defaultConfig(), mcp }).map(
    ({ path, message, weight }) => `${weight} ${formatPath(path)} ${message}`,
  );
}

const at = (name: string) => `broken mcp.servers${name}`;

describe("mcp.servers", () => {
  it("W13: a program and an address are taken", () => {
    expect(
      findingsOf({
        git: { command: "git-server", args: ["--repo", "."], env: { GIT_TOKEN: "abc" }, cwd: "/srv", agents: ["main"] },
        "issues-2": { url: "https://issues.example/mcp", headers: { authorization: "Bearer abc" }, tools: ["list"] },
      }),
    ).toEqual([]);
  });

  const name = "a".repeat(limits.mcpServerNameChars);
  it.each([
    ["an upper-case name", { Git: { command: "x" } }, `${at(".Git")} is no name of a server`],
    ["a name with an underscore", { a_b: { command: "x" } }, `${at(".a_b")} is no name of a server`],
    ["a name that ends in a dash", { "a-": { command: "x" } }, `${at(".a-")} is no name of a server`],
    ["a name too long", { [`${name}a`]: { command: "x" } }, `${at(`.${name}a`)} is no name of a server`],
    ["no way to it", { git: {} }, `${at(".git")} needs either command or url`],
    ["two ways to it", { git: { command: "x", url: "http://a.example" } }, `${at(".git")} needs either command or url`],
    [
      "arguments of an address",
      { git: { url: "http://a.example", args: ["x"] } },
      `${at(".git.args")} goes with command`,
    ],
    ["headers of a program", { git: { command: "x", headers: { a: "b" } } }, `${at(".git.headers")} goes with url`],
    ["an agent that is not there", { git: { command: "x", agents: ["bob"] } }, `${at(".git.agents[0]")} bob is not`],
    ["credentials in the address", { git: { url: "https://u:p@a.example" } }, `${at(".git.url")} holds credentials`],
    [
      "a header in two lines",
      { git: { url: "http://a.example", headers: { a: "b\r\nc: d" } } },
      `${at(".git.headers.a")} is`,
    ],
    ["a variable with =", { git: { command: "x", env: { "A=B": "c" } } }, `${at('.git.env["A=B"]')} is no variable`],
  ])("R122: %s is an error", (_what, servers, expected) => {
    expect(findingsOf(servers)).toEqual([expect.stringContaining(expected)]);
  });

  it("the limits of names and of servers hold at their edge", () => {
    expect(findingsOf({ [name]: { command: "x" } })).toEqual([]);
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`s${index}`, { command: "x" }]));
    expect(findingsOf(many(limits.mcpServers))).toEqual([]);
    expect(findingsOf(many(limits.mcpServers + 1))).toHaveLength(1);
    const server = (timeoutSeconds: number) =>
      mcpSchema().safeParse({ servers: { a: { command: "x", timeoutSeconds } } });
    expect(server(limits.mcpCallSeconds).success).toBe(true);
    expect(server(limits.mcpCallSeconds + 1).success).toBe(false);
  });

  it("R121: a file with a slip in it is not used at all: what it leaves out could allow more", async () => {
    for (const slip of [{ tool: ["list"] }, { tools: "list" }]) {
      const home = await testHome(JSON.stringify({ mcp: { servers: { git: { command: "x", ...slip } } } }));
      const { issues, config } = (await home.open()).current();
      expect(issues.filter(({ severity }) => severity === "error").length).toBeGreaterThan(0);
      expect(config.mcp.servers).toEqual({});
    }
  });
});
