/** The rules by which the next calls fail. Owns how often each is still used; what a fault does is the server's. */
import type { FaultRule } from "./contract.ts";

export class FaultRules {
  #rules: { readonly rule: FaultRule; left: number }[] = [];

  add(rule: FaultRule): void {
    this.#rules.push({ rule, left: rule.times ?? 1 });
  }

  clear(): void {
    this.#rules = [];
  }

  /** The first rule that fits, used up by one. `method` is the name as the documentation spells it. */
  take(method: string, chatId: number | null): FaultRule["what"] | null {
    const found = this.#rules.find(
      ({ rule }) =>
        (rule.method === undefined || rule.method.toLowerCase() === method.toLowerCase()) &&
        (rule.chatId === undefined || rule.chatId === chatId),
    );
    if (found === undefined) return null;
    found.left -= 1;
    if (found.left <= 0) this.#rules.splice(this.#rules.indexOf(found), 1);
    return found.rule.what;
  }
}
