/** Prints the counts of the last whole test run as one plain line, for whoever reads only the end of a log. */
import { countTests, describeCounts, readReport } from "./test-report.ts";

const report = readReport();
console.log(report === null ? "0 passed, 1 failed" : describeCounts(countTests(report)));
