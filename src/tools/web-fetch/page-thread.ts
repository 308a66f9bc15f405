/**
 * The thread that makes text of one page and ends. It has its own memory and can be ended at any moment: pages come from
 * strangers, and some are made to keep a parser busy.
 */
import { parentPort, workerData } from "node:worker_threads";
import { readPage, type PageSource } from "./read-page.ts";

if (process.report !== undefined) process.report.excludeEnv = true;
parentPort?.postMessage(readPage(workerData as PageSource));
