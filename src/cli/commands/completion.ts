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

const names = (): readonly string[] => Object.keys(routes);

const scripts: Readonly<Record<string, () => string>> = {
  bash: () =>
    [
      "_openclaw() {",
      '  if [ "$COMP_CWORD" -eq 1 ]; then',
      `    COMPREPLY=($(compgen -W "${names().join(" ")}" -- "\${COMP_WORDS[1]}"))`,
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
      "_describe command commands",
    ].join("\n"),
  fish: () =>
    Object.entries(routes)
      .map(
        ([name, route]) =>
          `complete -c openclaw -n __fish_use_subcommand -a ${name} -d '${route.summary.replaceAll("'", "")}'`,
      )
      .join("\n"),
};
