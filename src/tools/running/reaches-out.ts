/**
 * Whether a command may bring in what somebody else wrote: a page, a server's answer, another machine's log. Told by its
 * words alone: quoted text counts as words, so `grep -r curl .` is called foreign; and a script's name says nothing of what
 * it does, nor does history say whose it is, so `./fetch.sh` and `git log` are called local.
 */

/** Programs whose output comes from elsewhere, by name. */
const networkPrograms: ReadonlySet<string> = new Set(
  [
    "aria2c aws az curl dig dnf doctl docker-compose fetch ftp gcloud gh glab gsutil heroku himalaya host hub http",
    "https httpie journalctl kubectl links lftp lwp-request lynx mail mailx mosquitto_sub mutt mysql nc nc.openbsd",
    "nc.traditional ncat netcat nmap notmuch nslookup oc openssl pbpaste psql rclone redis-cli rsync scp sftp socat",
    "ssh sshpass svn telnet tftp tnftp uvx vercel w3m wget whois wl-paste wscat xclip xh xsel yt-dlp",
  ].flatMap((line) => line.split(" ")),
);

/** Of programs that mostly work here: what follows their name where they ask elsewhere. */
const networkVerbs: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    apt: "changelog download install search show source update upgrade",
    "apt-cache": "search show",
    "apt-get": "changelog download install source update upgrade",
    brew: "info install search",
    bun: "add info install x",
    cargo: "add info install search",
    docker: "attach build compose exec logs pull run search",
    gem: "fetch info install search",
    git: "archive clone fetch lfs ls-remote pull push remote submodule svn",
    go: "get install mod",
    hg: "clone incoming pull",
    npm: "audit ci create exec i info install outdated search show update view",
    pipx: "install run",
    pip: "download index install search",
    pip3: "download index install search",
    pnpm: "add audit dlx i info install outdated search view",
    podman: "attach exec logs pull run search",
    uv: "add pip run sync tool",
    yarn: "add audit dlx info install npm",
  }).map(([program, line]) => [program, line.split(" ")]),
);

/** `line` as it was asked for. True where one of its commands could reach another machine or another program's words. */
export function reachesOut(line: string): boolean {
  if (/:\/\/|\/dev\/(?:tcp|udp)\//.test(line)) return true;
  // Quotes and backslashes are no borders to a shell: `c'ur'l` is curl.
  return line
    .replaceAll(/["'\\]/g, "")
    .split(/[;|&\n]/)
    .some(asksElsewhere);
}

function asksElsewhere(command: string): boolean {
  // Options and their values may stand between a program and its verb: `git -C here fetch`.
  const awaited = new Set<string>();
  return command.split(/[\s()<>`={}$,]+/).some((piece) => {
    const word = nameIn(piece);
    if (awaited.has(word) || networkPrograms.has(word)) return true;
    for (const verb of networkVerbs.get(word) ?? []) awaited.add(verb);
    return false;
  });
}

function nameIn(word: string): string {
  return word
    .slice(word.lastIndexOf("/") + 1)
    .toLowerCase()
    .replace(/\.exe$/, "");
}
