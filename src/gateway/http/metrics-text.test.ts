/** The exposition format: what a label may hold cannot break the line it stands in. */
import { expect, it } from "vitest";
import { metricsText } from "./metrics-text.ts";

it("escapes what a label holds and writes every kind of number", () => {
  const samples = [
    { labels: { name: 'a"b\\c\nd' }, value: 1.5 },
    { value: Number.POSITIVE_INFINITY },
    { value: Number.NEGATIVE_INFINITY },
    { value: Number.NaN },
  ];
  expect(metricsText([{ name: "x_total", kind: "counter", help: "Two\nlines.", samples }])).toBe(
    '# HELP x_total Two\\nlines.\n# TYPE x_total counter\nx_total{name="a\\"b\\\\c\\nd"} 1.5\nx_total +Inf\nx_total -Inf\nx_total NaN\n',
  );
});
