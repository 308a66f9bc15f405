/** A fresh installation is asked what is in its folder: one question, in words, and what becomes of every answer to it. */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { WireClient } from "../../../src/gateway/wire-client.fixture.ts";
import { runCommand } from "../gateway-process.ts";
import { answered, openHouse, openQuestions, person, question, said, say, type House } from "./house.ts";

const wish = "list my files and tell me what this project is";
let house: House;
let page: WireClient;

beforeAll(async () => {
  house = await openHouse();
  await house.start();
  await writeFile(path.join(house.workspace, "README.md"), "A lighthouse for model ships.\n");
});
afterAll(() => house?.close());

it("P2: where nobody can be asked the command is refused at once, in words that the model goes on from", async () => {
  const text = await said(house, wish);
  expect(text).toContain(
    "This needs a person's consent, and nobody can be asked from here. Do not try to get the same in another way",
  );
  // The rest of the turn is done.
  expect(text).toContain("A lighthouse for model ships.");
}, 60_000);

it("P1, P14: one question, shown whole on the command line, allowed there, and the answer", async () => {
  page = await person(house);
  await say(page, wish);
  const { id } = await question(page);
  const list = await house.run("approvals", "list");
  expect(list.stdout).toMatch(new RegExp(`^${id} +exec +agent:main:main +[-\\d]+ [:\\d]+ +ls -la$`, "m"));
  const shown = await house.run("approvals", "show", id);
  expect(shown.stdout.replaceAll(house.workspace, "WORKSPACE").replace(/[-\d]+ [:\d]+ UTC/, "TIME UTC")).toBe(
    [
      `question     ${id}`,
      "runs         ls -la",
      "folder       WORKSPACE",
      "programs     /usr/bin/ls",
      "asked since  ls with these words is not on the list of what may run.",
      "always       would allow: ls -la, exactly these words, in any folder",
      "session      agent:main:main",
      "until        TIME UTC; then it is a no",
      "",
      `Answer with: openclaw approvals allow ${id} [--always], or openclaw approvals deny ${id}`,
      "",
    ].join("\n"),
  );
  expect(await house.run("approvals", "allow", id)).toMatchObject({ code: 0, stdout: "allowed, this once\n" });
  const text = await answered(page);
  expect(text).toMatch(/README\.md\n\[exit code 0\]/);
  expect(text).toContain("A lighthouse for model ships.");
  expect(page.events("exec.approval.requested")).toHaveLength(1);
  expect(await house.run("approvals", "list")).toMatchObject({ code: 0, stdout: "nothing waits for you\n" });
  const again = await house.run("approvals", "deny", id);
  expect(again).toMatchObject({ code: 1, stdout: "already decided: it is allowed, by token:gateway\n" });
}, 60_000);

it("P1: refused, the model goes on without it", async () => {
  await say(page, wish);
  const { id } = await question(page);
  expect(await house.run("approvals", "deny", id)).toMatchObject({ code: 0, stdout: "denied\n" });
  const text = await answered(page, 2);
  expect(text).toContain("A person refused this. Do not try to get the same in another way");
  expect(text).toContain("A lighthouse for model ships.");
}, 60_000);

it("P14: whoever interrupts the command stops its turn, and the question is gone with it", async () => {
  const { stateDir, gateway } = house;
  const stopped = await runCommand(["agent", "--session", "stopped", "--message", "run: ls -l"], {
    stateDir,
    env: { OPENCLAW_GATEWAY_PORT: String(gateway.port) },
    interruptAt: "Answer with",
  });
  expect(stopped).toMatchObject({ code: 1, stdout: "" });
  expect(stopped.stderr).toMatch(/It is denied, by .*\nThe turn was aborted\.\n$/s);
  expect(await openQuestions(page)).toEqual([]);
}, 60_000);

it("P3: not answered in time it is a no, and an answer after that changes nothing", async () => {
  const shorter = await house.run("config", "set", "approvals.timeoutSeconds", "2");
  expect(shorter, shorter.stderr).toMatchObject({ code: 0 });
  await say(page, wish);
  const { id } = await question(page);
  const text = await answered(page, 3);
  expect(text).toContain("Nobody answered in time, so this was not done.");
  expect(text).toContain("A lighthouse for model ships.");
  expect(await house.run("approvals", "allow", id)).toMatchObject({
    code: 1,
    stdout: "already decided: it is expired\n",
  });
  expect(await openQuestions(page)).toEqual([]);
}, 60_000);

it("P5, P10: allowed for good, the same words are not asked about again, and others are", async () => {
  await house.run("config", "set", "approvals.timeoutSeconds", "60");
  await say(page, wish);
  const { id } = await question(page);
  expect(await house.run("approvals", "allow", id, "--always")).toMatchObject({
    code: 0,
    stdout: "allowed, from now on too\n",
  });
  await answered(page, 4);
  // Nobody is there from here on.
  await page.close();
  expect(await said(house, wish)).toMatch(/README\.md\n\[exit code 0\]/);
  expect(await said(house, "run: ls -l")).toContain("nobody can be asked");
}, 60_000);
