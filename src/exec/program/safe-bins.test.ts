/** The filters that may run unasked, and all that they may not do then. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createWorld, type World } from "../world.fixture.ts";
import { safeBinNames } from "./safe-bins.ts";

let world: World;

beforeAll(async () => {
  world = await createWorld();
  await world.file("a.txt", "b\na\n");
  await world.file("b.txt", "b\n");
  await world.file("a.json", "{}\n");
  await world.file("../secret", "secret\n");
  await world.link("/etc/passwd", "innocent");
  await world.link("a.txt", "same");
  for (const name of ["jq"]) await world.program(name);
  world.rules.safeBins = [...safeBinNames];
});

afterAll(() => world.close());

async function effects(lines: readonly string[]): Promise<readonly string[]> {
  return Promise.all(lines.map(async (line) => `${(await world.judge(line)).effect}: ${line}`));
}

// oxfmt-ignore
const fine = [
  "grep -n b a.txt", "grep -in 'a b' a.txt b.txt", "grep -c -A 2 x a.txt", "cut -d , -f1 a.txt", "cut -c1-3 a.txt", "sort a.txt", "sort -nr -k2,3 -t , a.txt", "uniq -c a.txt", "head -n 5 a.txt",
  "head -20 a.txt", "tail -n +2 a.txt", "tr a-z A-Z", "tr -d a", "wc -l a.txt b.txt", "wc same", "jq . a.json", "jq -r '.a | length' a.json", "wc ./a.txt",
];

// oxfmt-ignore
const refused = [
  "sort -o x a.txt", "sort -ox a.txt", "sort -no x a.txt", "sort --output=x a.txt", "sort --outp x a.txt", "sort --compress-program=sh a.txt", "sort --comp=sh a.txt", "sort -T . a.txt", "sort --files0-from=a.txt", "sort --random-source=a.txt",
  "grep -f a.txt b.txt", "grep -fa.txt b.txt", "grep -nf a.txt b.txt", "grep --file=a.txt b.txt", "grep --fil a.txt b.txt", "grep -r x .", "grep -R x .", "grep -d recurse x .", "grep --include=x y a.txt", "grep -e x a.txt",
  "grep x /etc/passwd", "grep x ../secret", "grep x innocent", "grep x a.txt innocent", "grep x .", "grep x missing", "grep x /dev/stdin", "wc /etc/passwd", "wc --files0-from=a.txt", "wc --files0-from a.txt", "head /etc/passwd", "head -n /etc/passwd a.txt",
  "tail -f a.txt", "tail --follow=name a.txt", "tail --pid=1 a.txt", "uniq a.txt b.txt", "uniq a.txt new", "cut -f1 --output-delimiter=x /etc/passwd", "tr a b a.txt", "jq --rawfile a a.txt . a.json", "jq --slurpfile a a.txt .", "jq -f a.txt",
  "jq -L. . a.json", "jq --from-file a.txt a.json", "jq env a.json", "jq '$ENV.PATH' a.json", "jq 'env|keys' a.json", "jq 'import \"x\" as x; .' a.json", "jq 'include \"x\"; .' a.json", "jq input_filename a.json", "jq '\"\\(env)\"' a.json", "jq --args . a.json",
  "jq . /etc/passwd", "jq", "/usr/bin/grep x a.txt", "cat a.txt", "ls", "sort a.txt | sh", "sort a.txt > x", "grep x *", "grep -n x a.txt -f b.txt", "head -c 1 -- /etc/passwd",
];

test("P9 R112: harmless options on files of the workspace are allowed, and the setting is named", async () => {
  expect(await effects(fine)).toEqual(fine.map((line) => `allow: ${line}`));
  expect(await world.judge("wc -l a.txt")).toMatchObject({ where: "tools.exec.safeBins" });
});

test("P9 R112: what reads other files, writes, runs something, tells of the environment or waits for ever is asked about", async () => {
  expect(await effects(refused)).toEqual(refused.map((line) => `ask: ${line}`));
});

test("P9: only the ones that are named, and only the file that the search path means", async () => {
  world.rules.safeBins = ["wc"];
  expect(await effects(["wc a.txt", "head a.txt"])).toEqual(["allow: wc a.txt", "ask: head a.txt"]);
  world.rules.safeBins = [];
  expect(await effects(["wc a.txt"])).toEqual(["ask: wc a.txt"]);
  world.rules.safeBins = ["wc", "rm", "sh"];
  expect(await effects(["rm a.txt", "sh a.txt"])).toEqual(["ask: rm a.txt", "ask: sh a.txt"]);
  await world.program("busy");
  const { symlink, rm } = await import("node:fs/promises");
  await symlink(`${world.bin}/busy`, `${world.bin}/wc`);
  expect(await effects(["wc a.txt"])).toEqual(["ask: wc a.txt"]);
  await rm(`${world.bin}/wc`);
});
