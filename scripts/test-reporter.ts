/** A vitest reporter that writes what test-report.ts reads: every test with its titles, its end and, skipped, its reason. */
import path from "node:path";
import process from "node:process";
import type { Reporter, TestCase, TestModule, Vitest } from "vitest/node";
import { root, treeHash } from "./source-hash.mjs";
import { servicesRequired, writeReport, type TestOutcome } from "./test-report.ts";

interface Failure {
  readonly message: string;
}

export default class TestReportWriter implements Reporter {
  private treeAtStart = "";

  onInit(_vitest: Vitest): void {
    this.treeAtStart = treeHash();
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly Failure[]): void {
    writeReport({
      tree: treeHash() === this.treeAtStart ? this.treeAtStart : null,
      servicesRequired: servicesRequired(),
      node: process.version,
      tests: modules.flatMap((module) => [...module.children.allTests()].map((test) => outcomeOf(test, module))),
      errors: [...modules.flatMap(moduleErrors), ...unhandled.map(({ message }) => message)],
    });
  }
}

function outcomeOf(test: TestCase, module: TestModule): TestOutcome {
  const result = test.result();
  return {
    file: path.relative(root, module.moduleId),
    titles: titlesOf(test),
    state: result.state === "passed" || result.state === "failed" ? result.state : "skipped",
    note: result.state === "skipped" ? (result.note ?? reasonIn(titlesOf(test))) : null,
    durationMs: Math.round(test.diagnostic()?.duration ?? 0),
  };
}

/** A whole suite that is skipped says why in its title: `(needs ngircd)`, `(skipped: …)`, `(exempt: …)`. */
function reasonIn(titles: readonly string[]): string | null {
  const found = titles.map((title) => /\(((?:needs|skipped:|exempt:)[^)]+)\)/.exec(title)?.[1]);
  return found.find((reason) => reason !== undefined) ?? null;
}

function titlesOf(test: TestCase): string[] {
  const titles = [test.name];
  for (let parent = test.parent; parent.type === "suite"; parent = parent.parent) titles.unshift(parent.name);
  return titles;
}

function moduleErrors(module: TestModule): string[] {
  const suites = [...module.children.allSuites()].flatMap((suite) => suite.errors());
  return [...module.errors(), ...suites].map(({ message }) => `${path.relative(root, module.moduleId)}: ${message}`);
}
