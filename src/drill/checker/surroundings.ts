/** I6, I7 and I8: the bill, the readers and the secrets. */
import type { Disruption, ModelCall, Truth } from "../truth.ts";

/**
 * The ledger never holds more than the provider charged, and a step that was answered is asked again only where something
 * happened in between that may have cost the answer.
 */
export function billedOnce({ modelCalls, ledger, disruptions }: Truth): readonly string[] {
  const billMicros = modelCalls.reduce((sum, call) => sum + call.costMicros, 0);
  const steps = Map.groupBy(modelCalls, (call) => call.step);
  return [
    ...(ledger.calls > modelCalls.length
      ? [`the ledger holds ${ledger.calls} calls, and the model was asked ${modelCalls.length} times`]
      : []),
    ...(ledger.costMicros > billMicros
      ? [`the ledger says ${ledger.costMicros} micro-dollars, and the model charged ${billMicros}`]
      : []),
    ...[...steps.entries()].flatMap(([step, calls]) =>
      calls.flatMap((call, index) => {
        const next = calls[index + 1];
        if (next === undefined || call.outcome === "broken" || between(call, next, disruptions)) return [];
        return [`${JSON.stringify(step)} was answered whole and asked again, and nothing had happened in between`];
      }),
    ),
  ];
}

export function readsChangeNothing({ reads }: Truth): readonly string[] {
  return reads.filter((read) => read.before !== read.after).map((read) => `${read.name} changed the store`);
}

export function secretsStayInside({ canaries, texts }: Truth): readonly string[] {
  // The secret itself is not told on.
  return canaries.flatMap((canary, index) =>
    texts
      .filter(({ text }) => text.includes(canary))
      .map(({ where }) => `planted secret ${index + 1} stands in ${where}`),
  );
}

function between(call: ModelCall, next: ModelCall, disruptions: readonly Disruption[]): boolean {
  return disruptions.some(({ fromMs, untilMs }) => untilMs >= call.atMs && fromMs <= next.atMs);
}
