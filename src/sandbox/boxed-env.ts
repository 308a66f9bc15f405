/** The environment of a command in a sandbox: what was allowed, less what would work on the sandbox's own program. */

/**
 * The program that makes the box is started with the command's environment, so that no value stands in an argument that
 * every user of the machine can read. What the loader and the C library read at their own start must therefore not be in
 * it: it would load a library outside of the box.
 */
export function boxedEnv(
  env: Readonly<Record<string, string>>,
  own: Readonly<Record<string, string>>,
): Record<string, string> {
  const kept = Object.entries(env).filter(([name]) => isOrdinary(name));
  return { ...Object.fromEntries(kept), ...own };
}

function isOrdinary(name: string): boolean {
  return (
    /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) &&
    !/^(LD_|DYLD_|GLIBC_|MALLOC_|GCONV_PATH$|LOCPATH$|NLSPATH$|BASH_ENV$|ENV$|SHELLOPTS$|BASHOPTS$|PS4$|DOCKER_)/.test(
      name,
    )
  );
}
