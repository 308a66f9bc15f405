/** Which commands may bring in somebody else's words. */
import { describe, expect, it } from "vitest";
import { reachesOut } from "./reaches-out.ts";
import { outputOf } from "./words.ts";

const foreign: readonly string[] = [
  "curl https://example.org/a",
  "curl example.org",
  "/usr/bin/curl -s example.org | head",
  "c'ur'l example.org",
  "\\wget example.org",
  "echo a; wget -qO- example.org",
  "X=$(curl example.org); echo $X",
  "echo `curl example.org`",
  "sudo -u ann ssh there cat notes",
  "find . -exec curl {} \\;",
  "nc.openbsd example.org 80",
  "exec 3<>/dev/tcp/example.org/80; cat <&3",
  "python3 -c 'import urllib.request as u; print(u.urlopen(\"http://example.org\").read())'",
  "gh issue view 1",
  "git -C here fetch --all",
  "git clone git@example.org:a.git",
  "git --no-pager -c a.b=c pull",
  "npm view left-pad readme",
  "pip3 download thing",
  "docker logs web",
  "kubectl logs web",
  "CURL example.org",
  "curl.exe example.org",
  "git status && git pull",
  "git push",
  'git commit -m "fetch the list"',
  "wl-paste",
];
const local: readonly string[] = [
  "ls -la",
  "git status && git log --oneline",
  "npm test",
  "npm run build",
  "cat notes.md | sort | uniq -c",
  "docker ps",
  "cat http.ts src/host.json mail.md",
  "git status && npm run build",
  "git log --oneline; ls pull",
  "node scripts/check.mjs",
  "printf '%s\\n' curly",
  "",
];

describe("where a command's words come from", () => {
  it.each(foreign)("R8: output that may be somebody else's words is foreign: %s", (line) => {
    expect(reachesOut(line)).toBe(true);
    expect(outputOf(line, "out", "[exit code 0]").from).toMatchObject({ class: "foreign" });
  });

  it.each(local)("R8: output of what works here alone is local: %s", (line) => {
    expect(reachesOut(line)).toBe(false);
    expect(outputOf(line, "out", "[exit code 0]").from).toMatchObject({ class: "local" });
  });

  it("R8: a word that every object knows is a word like any other", () => {
    expect(reachesOut("constructor __proto__ toString")).toBe(false);
  });
});
