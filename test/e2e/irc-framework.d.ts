/** What these tests use of irc-framework, which ships no types. */
declare module "irc-framework" {
  export class Client {
    connect(options: Readonly<Record<string, unknown>>): void;
    on(event: string, listener: (event: never) => void): void;
    say(target: string, text: string): void;
    join(room: string): void;
    whois(nick: string, callback: (event: never) => void): void;
    quit(reason?: string): void;
  }
}
