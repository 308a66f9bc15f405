/**
 * The floors of the house: which folder may import which. Owns the table and the few doors that are narrower than a
 * floor; asks dependency-cruiser, and refuses to believe it when it has looked at fewer modules than git knows,
 * because a cruiser that finds no parser for TypeScript sees nothing and reports no violation.
 *
 *   node scripts/layers.ts
 */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { cruise, type ICruiseResult, type IForbiddenRuleType } from "dependency-cruiser";
import extractTSConfig from "dependency-cruiser/config-utl/extract-ts-config";

const base = ["domain", "protocol", "platform", "config"];
// oxfmt-ignore
const everything = [
  "domain", "protocol", "platform", "config", "store", "queue", "channels", "providers", "tools",
  "credentials", "models", "budget", "exec", "policy", "approvals", "sandbox", "memory", "speech", "skills", "mcp",
  "agent", "outbound", "inbound", "services", "gateway", "drill",
];

/** The rooms of acting, as the rest of the house may know them. */
const acting = ["policy/contract.ts", "exec/contract.ts", "approvals/contract.ts", "skills/contract.ts"];

/** Each floor may import itself and these. */
// oxfmt-ignore
const floors: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  protocol: ["domain"],
  platform: ["domain"],
  config: ["domain", "platform"],
  store: base,
  queue: [...base, "store/port.ts"],
  channels: base,
  providers: base,
  speech: base,
  tools: [...base, "store", "sandbox/contract.ts", "memory/contract.ts", "skills/contract.ts"],
  exec: [...base, "store"],
  policy: [...base, "store", "exec/contract.ts"],
  approvals: [...base, "store", "policy/contract.ts", "exec/contract.ts"],
  sandbox: base,
  memory: base,
  skills: base,
  mcp: [...base, "tools/contract.ts", "credentials/contract.ts"],
  credentials: [...base, "store"],
  models: [...base, "store", "providers", "credentials"],
  budget: [...base, "store"],
  agent: [
    ...base, "store", "providers", "tools", "models/contract.ts", "models/recovery.ts",
    "budget/contract.ts", "queue/contract.ts", ...acting,
  ],
  outbound: [...base, "store", "queue", "channels/contract.ts", "agent/contract.ts"],
  inbound: [...base, "store", "queue"],
  services: [...base, "store", "queue", "inbound", "outbound", "agent"],
  gateway: [
    ...base, "store", "queue", "inbound", "outbound", "agent", "services",
    "credentials/contract.ts", "models/contract.ts", "budget/contract.ts", "mcp/contract.ts", "tools/contract.ts",
    "memory/contract.ts", "approvals/subject.ts", "speech/contract.ts", ...acting,
  ],
  drill: [...base, "channels/contract.ts"],
  app: everything,
  cli: [...base, "app"],
};

/** Who may make authority values: the guard that checked. */
const guards = [
  "^src/platform/(safe-path|egress)",
  "^src/gateway/auth/",
  "^src/exec/approve",
  "^src/budget/",
  "^src/domain/authority-mint",
];

/** Files that prove and do not ship: they may look anywhere, but nothing that ships may look at them. */
const proofs = ["\\.(test|fixture)\\.ts$", "/conformance[^/]*\\.ts$", "/conformance/", "/fixtures/"];

export interface LayerReport {
  readonly modules: number;
  readonly expected: number;
  readonly violations: readonly string[];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const report = await checkLayers(fileURLToPath(new URL("..", import.meta.url)));
  for (const violation of report.violations) console.error(violation);
  console.log(`${report.modules} modules looked at, ${report.violations.length} violations`);
  process.exitCode = report.violations.length === 0 ? 0 : 1;
}

/** Cruises `<root>/src`. `expected` counts the sources that must have been seen; fewer is a violation of its own. */
export async function checkLayers(root: string, sources = sourcesKnownToGit(root)): Promise<LayerReport> {
  const tsConfig = extractTSConfig(path.join(root, "tsconfig.json"));
  const { output } = await cruise(
    ["src"],
    {
      baseDir: root,
      validate: true,
      ruleSet: { forbidden: rules(root) },
      tsPreCompilationDeps: true,
      doNotFollow: { path: "node_modules" },
      enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "types", "default"] },
    },
    undefined,
    { tsConfig },
  );
  if (typeof output === "string") throw new Error(`dependency-cruiser answered with text: ${output.slice(0, 200)}`);
  const seen = new Set(modulesOf(output));
  const missed = sources.filter((source) => !seen.has(source));
  return {
    modules: seen.size,
    expected: sources.length,
    violations: [
      ...missed.map((source) => `not-looked-at: ${source}`),
      ...output.summary.violations.map(
        ({ rule, from, to, cycle }) =>
          `${rule.name}: ${cycle === undefined ? `${from} → ${to}` : [from, ...cycle.map((step) => step.name)].join(" → ")}`,
      ),
    ],
  };
}

function modulesOf(result: ICruiseResult): string[] {
  return result.modules.map(({ source }) => source).filter((source) => /^src\/.*\.ts$/.test(source));
}

function sourcesKnownToGit(root: string): string[] {
  return execFileSync("git", ["ls-files", "-z", "src/**/*.ts", "src/*.ts"], { cwd: root, encoding: "utf8" })
    .split("\0")
    .filter((file) => file !== "" && existsSync(path.join(root, file)));
}

function rules(root: string): IForbiddenRuleType[] {
  return [...floorRules(), ...variantRules(root), ...doorRules(), ...shippingRules()];
}

function floorRules(): IForbiddenRuleType[] {
  const perFloor = Object.entries(floors).map(([floor, allowed]) => ({
    name: `floor-${floor}`,
    severity: "error" as const,
    from: { path: `^src/${floor}/`, pathNot: proofs },
    to: {
      path: "^src/",
      pathNot: [floor, ...allowed].map((target) => `^src/${target}${target.endsWith(".ts") ? "$" : "/"}`),
    },
  }));
  return [
    ...perFloor,
    {
      name: "no-room-without-a-floor",
      severity: "error",
      comment: "A new folder of src/ needs its line in the table.",
      from: { path: "^src/", pathNot: Object.keys(floors).map((floor) => `^src/${floor}/`) },
      to: {},
    },
    {
      name: "cli-loads-app-late",
      severity: "error",
      comment: "A command that does not need the gateway must not pay for loading it.",
      from: { path: "^src/cli/", pathNot: proofs },
      to: { path: "^src/app/", dependencyTypesNot: ["dynamic-import", "type-only"] },
    },
    {
      name: "domain-is-pure",
      severity: "error",
      from: { path: "^src/domain/", pathNot: proofs },
      to: { pathNot: ["^src/domain/", "^node_modules/zod/"] },
    },
    {
      name: "no-cycle",
      severity: "error",
      comment: "A type is gone when the program runs, and a late import waits until the circle is closed.",
      from: { path: "^src/" },
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only", "dynamic-import"] } },
    },
  ];
}

/** Only registry.ts names a concrete channel, provider or tool; one variant never knows another. */
function variantRules(root: string): IForbiddenRuleType[] {
  return ["channels", "providers", "tools", "speech"].flatMap((kind) =>
    variantsOf(path.join(root, "src", kind)).map((variant) => ({
      name: `${kind}-by-registry-only`,
      severity: "error" as const,
      from: { path: "^src/", pathNot: [`^src/${kind}/${variant}/`, `^src/${kind}/registry\\.ts$`, ...proofs] },
      to: { path: `^src/${kind}/${variant}/` },
    })),
  );
}

function variantsOf(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .filter(({ name }) => ["index.ts", "manifest.ts"].some((file) => existsSync(path.join(folder, name, file))))
    .map((entry) => entry.name);
}

function doorRules(): IForbiddenRuleType[] {
  return [
    {
      name: "authority-is-minted-by-guards",
      severity: "error",
      from: { path: "^src/", pathNot: [...guards, ...proofs] },
      to: { path: "^src/domain/authority-mint\\.ts$" },
    },
    {
      name: "http-leaves-through-egress",
      severity: "error",
      from: { path: "^src/(?!platform/|gateway/|drill/|app/|cli/)", pathNot: proofs },
      to: { path: "^(node:)?(http|https|http2)$|^node_modules/undici/", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "programs-start-in-few-places",
      severity: "error",
      comment: "What an agent runs goes through start-command.ts, which takes an ApprovedCommand and nothing else.",
      from: { path: "^src/(?!platform/subprocess|tools/running/start-command|mcp/|drill/)", pathNot: proofs },
      to: { path: "^(node:)?child_process$", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "one-reader-of-the-database-driver",
      severity: "error",
      from: { path: "^src/(?!store/|platform/|memory/)", pathNot: proofs },
      to: { path: "^(node:)?sqlite$", dependencyTypesNot: ["type-only"] },
    },
  ];
}

function shippingRules(): IForbiddenRuleType[] {
  return [
    {
      name: "nothing-shipped-imports-a-proof",
      severity: "error",
      from: { path: "^src/", pathNot: proofs },
      to: { path: ["^src/.*\\.(test|fixture)\\.ts$", "^test/", "^bench/", "^scripts/"] },
    },
    {
      name: "nothing-shipped-needs-a-dev-dependency",
      severity: "error",
      from: { path: "^src/", pathNot: proofs },
      to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["type-only"] },
    },
    { name: "everything-resolves", severity: "error", from: { path: "^src/" }, to: { couldNotResolve: true } },
  ];
}
