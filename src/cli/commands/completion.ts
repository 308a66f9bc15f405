/** `openclaw completion`: a script that lets a shell complete the commands. Made from the routes, so that it cannot lag behind. */
import type { Command } from "commander";
import { AppError } from "../../domain/app-error.ts";
import type { CliContext } from "../contract.ts";
import { routes } from "../routes.ts";

export function register(program: Command, context: CliContext): void {
  program
    .command("completion")
    .description("Print a completion script for your shell")
    .argument("[shell]", "bash, zsh or fish", "bash")
    .action((shell: string) => {
      const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
      if (script === undefined) throw new AppError("SYS_003", "A script can be made for bash, zsh and fish.");
      context.output.result({ shell, script: script() }, (value) => value.script);
    });
}

/** Commands that have words of their own. */
const withVerbs = (): readonly (readonly [string, readonly string[]])[] =>
  Object.entries(routes).flatMap(([name, { verbs }]) => (verbs === undefined ? [] : [[name, verbs] as const]));

const names = (): readonly string[] => Object.keys(routes);

const scripts: Readonly<Record<string, () => string>> = {
  bash: () =>
    [
      "_openclaw() {",
      '  if [ "$COMP_CWORD" -eq 1 ]; then',
      `    COMPREPLY=($(compgen -W "${names().join(" ")}" -- "\${COMP_WORDS[1]}"))`,
      '  elif [ "$COMP_CWORD" -eq 2 ]; then',
      '    case "${COMP_WORDS[1]}" in',
      ...withVerbs().map(
        ([name, verbs]) => `      ${name}) COMPREPLY=($(compgen -W "${verbs.join(" ")}" -- "\${COMP_WORDS[2]}")) ;;`,
      ),
      "    esac",
      "  fi",
      "}",
      "complete -F _openclaw openclaw",
    ].join("\n"),
  zsh: () =>
    [
      "#compdef openclaw",
      "local -a commands",
      `commands=(${Object.entries(routes)
        .map(([name, route]) => `'${name}:${route.summary.replaceAll("'", "")}'`)
        .join(" ")})`,
      "if (( CURRENT == 2 )); then",
      "  _describe command commands",
      "else",
      '  case "${words[2]}" in',
      ...withVerbs().map(([name, verbs]) => `    ${name}) (( CURRENT == 3 )) && compadd -- ${verbs.join(" ")} ;;`),
      "  esac",
      "fi",
    ].join("\n"),
  fish: () =>
    [
      ...Object.entries(routes).map(
        ([name, route]) =>
          `complete -c openclaw -n __fish_use_subcommand -a ${name} -d '${route.summary.replaceAll("'", "")}'`,
      ),
      ...withVerbs().map(
        ([name, verbs]) => `complete -c openclaw -n '__fish_seen_subcommand_from ${name}' -a '${verbs.join(" ")}'`,
      ),
    ].join("\n"),
};
