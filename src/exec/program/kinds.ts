/**
 * Programs that run other programs, or what a file or a word tells them. Such a program is never allowed for good: its name
 * says nothing about what it would do. The lists are no border: what is not on them still needs a person's yes.
 */

export type ProgramKind = "wrapper" | "shell" | "interpreter" | "runner" | "viewer" | "house";

/** Of a name or a path, on any system, with or without version and ending; null: none of these. */
export function kindOf(program: string): ProgramKind | null {
  const name = plainName(program);
  for (const candidate of [name, name.replace(/[-.]?\d[\d.]*[a-z]?$/, ""), name.replace(/[.-].*$/, "")]) {
    const kind = kinds.get(candidate);
    if (kind !== undefined) return kind;
  }
  return null;
}

/** `C:\Windows\System32\CMD.EXE` → `cmd`, `/usr/bin/python3` → `python3`. */
export function plainName(program: string): string {
  const name = program.split(/[\\/]/).at(-1) ?? "";
  return name.toLowerCase().replace(/\.(exe|com|cmd|bat|ps1|vbs|cjs|mjs)$/, "");
}

/** Scripts of Windows' own shell: nothing quotes their words safely, so they are never started. */
export function isCommandShellScript(program: string): boolean {
  return /\.(cmd|bat)[. ]*$/i.test(program) || plainName(program) === "cmd" || plainName(program) === "command.com";
}

/** For people: why its name is not enough. */
export function kindWords(name: string, kind: ProgramKind): string {
  switch (kind) {
    case "wrapper":
      return `${name} starts other programs.`;
    case "shell":
      return `${name} is a shell: it runs whatever it is given.`;
    case "interpreter":
      return `${name} runs code.`;
    case "runner":
      return `What ${name} runs is written in files that can change.`;
    case "viewer":
      return `${name} can start other programs while it shows or edits something.`;
    case "house":
      return `${name} is the gateway's own command: it can change what you are asked about.`;
  }
}

/** They print, compare or look for their words and never run one. */
export function onlyReadsWords(program: string): boolean {
  return harmless.has(plainName(program));
}

// oxfmt-ignore
const harmless = new Set([
  "echo", "printf", "cat", "ls", "grep", "egrep", "fgrep", "rg", "head", "tail", "wc", "stat", "file", "du", "df", "diff", "cmp",
  "basename", "dirname", "realpath", "readlink", "which", "whereis", "type", "sha256sum", "sha1sum", "md5sum", "cut", "tr", "uniq",
  "sort", "jq", "test", "[", "true", "false", "logger", "date", "seq", "git", "apropos", "pwd", "expr", "comm", "paste", "fold", "fmt",
]);

// oxfmt-ignore
const groups: Readonly<Record<ProgramKind, readonly string[]>> = {
  wrapper: [
    "env", "sudo", "doas", "su", "runuser", "pkexec", "gosu", "su-exec", "xargs", "parallel", "busybox", "toybox", "coreutils", "script",
    "nohup", "timeout", "gtimeout", "nice", "ionice", "chrt", "taskset", "numactl", "setsid", "flock", "lockf", "watch", "ssh", "scp", "sftp", "rsh",
    "slogin", "mosh", "telnet", "docker", "podman", "nerdctl", "buildah", "kubectl", "oc", "lxc", "lxc-exec", "incus", "machinectl", "chroot", "unshare",
    "nsenter", "bwrap", "firejail", "proot", "fakeroot", "fakechroot", "systemd-run", "systemd-nspawn", "systemctl", "launchctl", "service", "start-stop-daemon",
    "runcon", "setpriv", "capsh", "setarch", "linux32", "linux64", "i386", "x86_64", "uname26", "strace", "ltrace", "gdb", "lldb", "valgrind", "perf",
    "rr", "time", "gtime", "stdbuf", "unbuffer", "expect", "catchsegv", "ld.so", "ld-linux", "ld-linux-x86-64.so", "ld-musl-x86_64.so", "ld-musl", "ld",
    "at", "batch", "crontab", "cron", "anacron", "atd", "entr", "inotifywait", "fswatch", "watchman", "watchexec", "nodemon", "find", "fd", "fdfind", "gfind",
    "exec", "command", "builtin", "eval", "source", ".", "trap", "coproc", "dbus-run-session", "dbus-launch", "dbus-send", "gdbus", "xdg-open", "open", "gio",
    "screen", "tmux", "zellij", "dtach", "abduco", "reptyr", "socat", "nc", "ncat", "netcat", "openssl", "run-parts", "ptx", "cpulimit", "prlimit", "softlimit",
    "setuidgid", "chpst", "s6-setuidgid", "execlineb", "runit", "tini", "dumb-init", "catatonit", "direnv", "dotenv", "chronic", "ts", "sponge", "vipe", "mispipe",
    "pee", "ifne", "pexec", "hyperfine", "choom", "ip", "tcpdump", "wireshark", "nmap", "zip", "unzip", "7z", "tar", "gtar", "bsdtar", "cpio", "pax", "ar", "rsync",
    "rclone", "wget", "dd", "install", "split", "csplit", "logrotate", "update-alternatives", "dpkg", "apt", "apt-get", "aptitude", "yum", "dnf",
    "rpm", "pacman", "zypper", "apk", "brew", "snap", "flatpak", "nix", "nix-shell", "nix-env", "guix", "conda", "mamba", "rundll32", "regsvr32", "wmic", "msiexec",
    "forfiles", "schtasks", "start", "runas", "certutil", "bitsadmin", "installutil", "msbuild", "sc", "psexec", "wsl", "winget", "choco", "scoop", "conhost",
    "pcalua", "explorer", "control", "hh", "cmstp", "odbcconf", "mavinject", "ssh-agent", "ssh-keygen", "gpg-agent", "git-shell", "sshpass", "torsocks", "proxychains",
    "proxychains4", "tsocks", "osascript", "automator", "caffeinate", "arch", "sandbox-exec", "dtruss", "dtrace", "xcrun", "zsudo", "sg", "newgrp", "login", "agetty",
    "ldd", "rlwrap", "pidstat", "dstat", "logsave", "setlock", "torify", "multitime", "grc", "gcore", "facter", "puppet", "bpftrace", "crash", "scrot",
    "run-mailcap", "see", "compose", "edit", "xdotool", "xdg-user-dir", "dosbox", "distcc", "ccache", "icecc", "minicom", "openvpn", "nft", "tdbtool", "gtester", "msgfilter", "ssh-copy-id", "ssh-keyscan",
    "psftp", "rlogin", "tmate", "loginctl", "aria2c", "ab", "mosquitto", "restic", "borg", "unsquashfs", "genisoimage", "rpmdb", "rpmquery", "rpmverify", "opkg", "pkg", "snapctl", "certbot", "slsh", "lwp-request",
    "lwp-download", "tic", "troff", "groff", "nroff", "pic", "tbl", "soelim", "zsoelim", "gimp", "aspell", "ispell", "ansible-test", "cpp-wrapper", "c89", "c99", "nasm", "bridge", "dmesg", "getcap", "setcap", "logrotate-run",
    "mount", "umount", "fusermount", "insmod", "modprobe", "kexec", "sysctl", "ldconfig", "setfacl", "xvfb-run", "dbus-monitor", "run0", "varlinkctl", "busctl",
  ],
  shell: [
    "sh", "bash", "rbash", "dash", "ash", "hush", "zsh", "ksh", "ksh93", "mksh", "lksh", "pdksh", "oksh", "yash", "csh", "tcsh", "fish", "nu", "nushell", "elvish", "xonsh", "ion",
    "oil", "osh", "ysh", "rc", "es", "sash", "posh", "bosh", "jsh", "pwsh", "powershell", "powershell_ise", "cmd", "command", "git-bash", "mintty", "rsh",
  ],
  interpreter: [
    "python", "pypy", "ipython", "jython", "micropython", "node", "nodejs", "deno", "bun", "tsx", "ts-node", "esbuild-runner", "qjs", "d8", "jsc", "perl", "ruby", "jruby",
    "irb", "php", "php-cgi", "lua", "luajit", "texlua", "tclsh", "wish", "guile", "scheme", "racket", "sbcl", "clisp", "ecl", "chicken", "csi", "gosh", "elixir", "iex", "erl", "escript",
    "java", "jshell", "groovy", "scala", "kotlin", "kotlinc", "clojure", "clj", "bb", "dotnet", "csharp", "fsi", "mono", "r", "rscript", "julia", "octave", "matlab", "maxima", "gp",
    "ghci", "runghc", "runhaskell", "ocaml", "ocamlrun", "utop", "swift", "dart", "crystal", "nim", "v", "zig", "go", "awk", "gawk", "mawk", "nawk", "original-awk", "goawk", "sed", "gsed",
    "ed", "ex", "m4", "bc", "dc", "gnuplot", "sqlite", "sqlite3", "psql", "mysql", "mariadb", "mongo", "mongosh", "redis-cli", "duckdb", "wscript", "cscript", "mshta", "wasmtime", "wasmer", "jq-repl",
    "gcc", "g++", "cc", "c++", "clang", "clang++", "tcc", "cpp", "as", "latex", "pdflatex", "xelatex", "lualatex", "tex", "gs", "ghostscript", "convert", "magick", "ffmpeg", "yq", "dasel", "jrunscript", "jjs",
    "expect", "pip", "pip3", "easy_install", "gem", "cpan", "cpanm", "luarocks", "pytest", "py",
  ],
  runner: [
    "make", "gmake", "bmake", "nmake", "mingw32-make", "cmake", "ctest", "ninja", "samu", "meson", "bazel", "buck", "buck2", "pants", "scons", "waf", "ant", "mvn", "mvnw", "gradle", "gradlew", "sbt", "lein",
    "npm", "npx", "pnpm", "pnpx", "yarn", "yarnpkg", "corepack", "bunx", "lerna", "nx", "turbo", "rush", "gulp", "grunt", "jake", "webpack", "vite", "vitest", "jest", "mocha", "ava", "eslint", "prettier",
    "tsc", "rollup", "babel", "cypress", "playwright", "cargo", "rustup", "rustc", "rake", "bundle", "bundler", "rspec", "composer", "phpunit", "artisan", "tox", "nox", "poetry", "pipenv", "uv", "uvx", "hatch",
    "pdm", "invoke", "fab", "ansible", "ansible-playbook", "terraform", "tofu", "pulumi", "vagrant", "packer", "helm", "skaffold", "tilt", "just", "task", "mage", "dune", "opam", "stack", "cabal", "mix",
    "rebar3", "gyp", "node-gyp", "husky", "lint-staged", "pre-commit", "act", "earthly", "dagger", "autoreconf", "autoconf", "automake", "configure", "aclocal", "debuild", "dpkg-buildpackage", "rpmbuild", "makepkg",
    "docker-compose", "foreman", "overmind", "pm2", "forever", "supervisord", "supervisorctl", "hg", "svn", "bzr", "fossil", "darcs", "gh", "glab", "go-task", "mise", "asdf", "nvm", "rbenv", "pyenv", "jenv", "volta",
  ],
  viewer: [
    "less", "more", "most", "pg", "man", "info", "pinfo", "vi", "vim", "nvim", "gvim", "view", "rvim", "vimdiff", "emacs", "emacsclient", "nano", "pico", "micro", "joe", "jed", "mcedit", "mc", "ne", "helix", "hx", "kak",
    "code", "codium", "subl", "atom", "gedit", "kate", "ranger", "nnn", "lf", "vifm", "top", "htop", "btop", "journalctl", "mutt", "neomutt", "mail", "mailx", "lynx", "w3m", "links", "elinks", "ftp", "lftp", "gdbtui", "tig", "lazygit",
    "fzf", "dialog", "whiptail", "zenity", "sensible-editor", "sensible-pager", "editor", "pager", "visudo", "vipw", "vigr", "crontab", "sudoedit", "bat", "batcat", "delta", "pv", "dpkg-reconfigure", "chsh", "browser",
  ],
  house: ["openclaw", "clawdbot", "moltbot"],
};

const kinds: ReadonlyMap<string, ProgramKind> = new Map(
  (Object.entries(groups) as [ProgramKind, readonly string[]][])
    .toReversed()
    .flatMap(([kind, names]) => names.map((name) => [name, kind] as const)),
);
