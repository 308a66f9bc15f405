/**
 * Whether a command may bring in what somebody else wrote: a page, a log of another machine, a commit's text. Told by its
 * words alone, so that more is called foreign than is: `grep -r curl .` reads only what is here.
 */

/** Programs whose output comes from elsewhere, by name; a version may stand behind it: `nc.openbsd`. */
const networkPrograms: ReadonlySet<string> = new Set(
  [
    "aria2c aws az curl dig doctl fetch ftp gcloud gh glab gsutil heroku host hub http https httpie kubectl links lftp",
    "lwp-request lynx mail mailx mosquitto_sub mutt mysql nc ncat netcat nmap nslookup oc openssl psql rclone redis-cli",
    "rsync scp sftp socat ssh sshpass svn telnet tftp tnftp vercel w3m wget whois wscat xh yt-dlp",
  ].flatMap((line) => line.split(" ")),
);

/** Of programs that mostly work here: what follows their name where they ask elsewhere. */
const networkVerbs: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    apt: "changelog download install search show source update upgrade",
    brew: "info install search",
    bun: "add info install x",
    cargo: "add info install search",
    docker: "attach compose exec logs pull run search",
    gem: "fetch info install search",
    git: "archive clone fetch ls-remote pull remote submodule svn",
    go: "get install",
    hg: "clone incoming pull",
    npm: "audit create exec find i info install init outdated ping s search show v view",
    pip: "download index install search",
    pip3: "download index install search",
    pnpm: "add audit dlx i info install outdated search view",
    podman: "attach exec logs pull run search",
    yarn: "add audit dlx info install npm",
  }).map(([program, line]) => [program, line.split(" ")]),
);

/** `line` as it was asked for. True where anything in it could reach another machine or another program's words. */
export function reachesOut(line: string): boolean {
  if (/:\/\/|\/dev\/(?:tcp|udp)\//.test(line)) return true;
  // Quotes and backslashes are no borders to a shell: `c'ur'l` is curl.
  const words = line
    .replaceAll(/["'\\]/g, "")
    .split(/[\s;|&()<>`={}$,]+/)
    .map((word) => word.slice(word.lastIndexOf("/") + 1).toLowerCase());
  // Options and their values may stand between a program and its verb: `git -C here fetch`.
  const awaited = new Set<string>();
  return words.some((word) => {
    if (awaited.has(word) || networkPrograms.has(word.split(".", 1)[0] ?? "")) return true;
    for (const verb of networkVerbs.get(word) ?? []) awaited.add(verb);
    return false;
  });
}
