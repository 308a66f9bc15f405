/**
 * The lint rules that only this house has. Each one guards a promise of docs/principles.md that no published rule
 * knows: where time, chance, the environment, the disk and the network may be touched, and how errors are thrown.
 * Which folders a rule holds for is said in .oxlintrc.json, not here.
 */

const clockGlobals = new Set(["setTimeout", "setInterval"]);
const randomImports = new Set(["randomUUID", "randomBytes", "randomInt", "getRandomValues", "randomFillSync"]);
const nativeErrors = new Set(["Error", "TypeError", "RangeError", "SyntaxError", "EvalError", "AggregateError"]);
const bannedNames = /^(utils?|helpers?|common|misc|manager|impl|.*-(utils?|helpers?|manager|impl)|types\..*|part-\d+)$/;
const kebab = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)*\.(ts|mts|cts|mjs|js)$/;

export default {
  meta: { name: "house" },
  rules: {
    "no-clock": rule((report) => ({
      CallExpression(node) {
        const name = calleeName(node.callee);
        if (
          name === "Date.now" ||
          name === "performance.now" ||
          name === "process.hrtime" ||
          name === "process.hrtime.bigint"
        ) {
          report(node, `${name}() reads the system clock: take a Clock (platform/clock.ts) as a parameter.`);
        }
        if (clockGlobals.has(name))
          report(node, `${name}() sets a timer that no fake clock moves: use Clock.after or Clock.every.`);
      },
      NewExpression(node) {
        if (node.callee.name === "Date" && node.arguments.length === 0) {
          report(node, "new Date() reads the system clock: use new Date(clock.nowMs()).");
        }
      },
      ImportDeclaration(node) {
        if (/^(node:)?timers\/promises$/.test(node.source.value))
          report(node, "node:timers/promises sets real timers: use Clock.sleep.");
      },
    })),

    "no-chance": rule((report) => ({
      CallExpression(node) {
        const name = calleeName(node.callee);
        if (name === "Math.random")
          report(node, "Math.random() can be guessed and not replayed: take Ids (platform/ids.ts) as a parameter.");
        if (/^(crypto|globalThis\.crypto)\.(randomUUID|getRandomValues)$/.test(name))
          report(node, `${name}() cannot be replayed: use Ids.`);
      },
      ImportSpecifier(node) {
        if (/^(node:)?crypto$/.test(node.parent?.source?.value ?? "") && randomImports.has(node.imported.name)) {
          report(node, `${node.imported.name} cannot be replayed: use Ids (platform/ids.ts).`);
        }
      },
    })),

    "no-environment": rule((report) => ({
      MemberExpression(node) {
        if (calleeName(node) === "process.env")
          report(node, "Only src/config reads the environment: take the value from the configuration.");
      },
      ImportSpecifier(node) {
        if (/^(node:)?process$/.test(node.parent?.source?.value ?? "") && node.imported.name === "env") {
          report(node, "Only src/config reads the environment.");
        }
      },
    })),

    "no-sync-io": rule((report) => ({
      CallExpression(node) {
        const name = lastName(node.callee);
        if (/^(exec|execFile|spawn|\w*[a-z])Sync$/.test(name) && !/^(get|set)Sync$/.test(name)) {
          report(node, `${name}() stops the whole process for a disk or a child: use the asynchronous form.`);
        }
      },
    })),

    "no-raw-fetch": rule((report) => ({
      CallExpression(node) {
        const name = calleeName(node.callee);
        if (name === "fetch" || name === "globalThis.fetch")
          report(node, "fetch() goes anywhere: requests leave through platform/egress.");
      },
      ImportDeclaration(node) {
        if (node.source.value === "undici" && node.importKind !== "type")
          report(node, "undici goes anywhere: requests leave through platform/egress.");
      },
    })),

    "no-empty-catch": rule((report) => ({
      CatchClause(node) {
        if (node.body.body.length === 0) report(node, "A catch acts, rethrows, or logs with a reason.");
      },
      CallExpression(node) {
        if (lastName(node.callee) !== "catch" || node.callee.type !== "MemberExpression") return;
        const handler = node.arguments[0];
        if (handler?.body?.type === "BlockStatement" && handler.body.body.length === 0) {
          report(handler, "A catch acts, rethrows, or logs with a reason.");
        }
      },
    })),

    "throw-app-error": rule((report) => ({
      ThrowStatement(node) {
        const thrown = node.argument;
        if (thrown?.type === "NewExpression" && nativeErrors.has(thrown.callee.name)) {
          report(node, "Only AppError is thrown: its code says what to do about it.");
        }
      },
    })),

    "no-module-state": rule((report) => ({
      Program(node) {
        for (const statement of node.body) {
          const declaration = statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
          if (declaration?.type !== "VariableDeclaration" || declaration.declare) continue;
          if (declaration.kind !== "const") {
            report(declaration, "State lives in an object built in app/compose.ts, not at the top of a module.");
            continue;
          }
          for (const { init } of declaration.declarations) {
            if (
              init?.type === "NewExpression" &&
              /^(Weak)?(Map|Set)$/.test(init.callee.name ?? "") &&
              init.arguments.length === 0
            ) {
              report(init, "A collection that starts empty is state: it lives in an object built in app/compose.ts.");
            }
          }
        }
      },
    })),

    "file-header": rule((report, context) => ({
      Program(node) {
        const first = context.sourceCode.getAllComments()[0];
        const start = node.body[0]?.range?.[0] ?? node.body[0]?.start ?? 0;
        if (first === undefined || (first.range?.[0] ?? first.start) > start) {
          report(node, "A file begins with a sentence: what it owns and what it refuses.");
        }
      },
    })),

    "file-name": rule((report, context) => ({
      Program(node) {
        const name = context.filename.split(/[\\/]/).at(-1);
        if (!kebab.test(name)) report(node, `${name}: files are named in lower-kebab.`);
        if (bannedNames.test(name.replace(/(\.test)?\.\w+$/, "")))
          report(node, `${name} says nothing: name the thing it holds.`);
      },
    })),

    "disable-with-reason": rule((report, context) => ({
      Program() {
        for (const comment of context.sourceCode.getAllComments()) {
          const text = comment.value;
          if (/^\s*(ox|es)lint-disable/.test(text) && !/\s--\s+\S.{8,}/.test(text)) {
            report(comment, "A rule that is switched off has its reason on the same line: `-- because …`.");
          }
        }
      },
    })),
  },
};

function rule(visitors) {
  return {
    create(context) {
      return visitors((node, message) => context.report({ node, message }), context);
    },
  };
}

/** `a.b.c` for plain member chains and names, otherwise an empty string. */
function calleeName(node) {
  if (node.type === "Identifier") return node.name;
  if (node.type === "ChainExpression") return calleeName(node.expression);
  if (node.type !== "MemberExpression" || node.computed) return "";
  const object = calleeName(node.object);
  return object === "" ? "" : `${object}.${node.property.name}`;
}

function lastName(node) {
  if (node.type === "Identifier") return node.name;
  if (node.type === "MemberExpression" && !node.computed) return node.property.name;
  return "";
}
