/** What commands may run unasked, over the wire: seen and changed by administrators, by whoever saw what it is. */
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openStage, type Stage } from "../../fake-deps.fixture.ts";
import { connect, errorOf, makeIdentity, type WireClient } from "../../wire-client.fixture.ts";

let stage: Stage;
let client: WireClient;

beforeEach(async () => {
  stage = await openStage();
  client = await connect(stage.url);
});
afterEach(() => stage.close());

const list = {
  version: 1,
  socket: { path: "/x", token: "secret-token" },
  agents: { main: { allowlist: [{ pattern: "/usr/bin/git" }] } },
};

it("P10: shows path, hash and file, without the socket's token, and takes a change of what was seen", async () => {
  const none = await client.ask("exec.approvals.get");
  expect(none).toMatchObject({
    path: path.join(stage.folder, "exec-approvals.json"),
    exists: false,
    file: { version: 1, agents: {} },
  });
  const written = await client.ask("exec.approvals.set", { file: list });
  expect(written).toMatchObject({ exists: true, file: { socket: { path: "/x" }, agents: list.agents } });
  expect(JSON.stringify(written)).not.toContain("secret-token");
  expect(await client.ask("exec.approvals.get")).toEqual(written);
  for (const baseHash of [null, undefined, "stale"]) {
    const refused = await client.call("exec.approvals.set", {
      file: { version: 1, agents: {} },
      ...(baseHash === undefined ? {} : { baseHash }),
    });
    expect(errorOf(refused)).toMatchObject({ code: "INVALID_REQUEST", details: { errorCode: "CFG_005" } });
  }
  const { hash } = written as { hash: string };
  expect(await client.ask("exec.approvals.set", { file: { version: 1, agents: {} }, baseHash: hash })).toMatchObject({
    file: { agents: {} },
  });
});

it("P10: refuses what has not the shape, and says where", async () => {
  for (const file of [
    {},
    { version: 2, agents: {} },
    { version: 1, agents: { main: { ask: "never" } } },
    { version: 1, agents: { main: { allowlist: [{ pattern: "git" }] } } },
  ]) {
    expect(errorOf(await client.call("exec.approvals.set", { file }))).toMatchObject({
      details: { errorCode: "RPC_003" },
    });
  }
  expect(await client.ask("exec.approvals.get")).toMatchObject({ exists: false });
});

it("P10: writes the file for its owner alone", async () => {
  await client.ask("exec.approvals.set", { file: list });
  const { path: file } = (await client.ask("exec.approvals.export")) as { path: string };
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(JSON.parse(await readFile(file, "utf8"))).toMatchObject(list);
});

it("P10: is for administrators, not for those who may answer questions", async () => {
  const approver = await connect(stage.url, {
    scopes: ["operator.read", "operator.write", "operator.approvals"],
    identity: makeIdentity(),
  });
  for (const name of ["get", "set", "export"]) {
    expect(errorOf(await approver.call(`exec.approvals.${name}`, {})).message).toBe("missing scope: operator.admin");
  }
});
