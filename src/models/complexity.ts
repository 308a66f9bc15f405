/**
 * How hard a question is, as a number from 0 to 1: for the choice of a tier. A weighted list of signs that a person would
 * look for too; the same text always gives the same number, and each sign can be named. Knows no model and no tier.
 */

export interface Complexity {
  /** 0 to 1. */
  readonly score: number;
  /** What was found, with what each sign added; the largest first. */
  readonly signs: readonly { readonly sign: string; readonly weight: number }[];
}

/** Characters that are looked at: what makes a question hard stands in its first pages, and the work stays bounded. */
const charsLookedAt = 16_000;

export function complexityOf(text: string): Complexity {
  const sample = text.slice(0, charsLookedAt);
  const lower = sample.toLowerCase();
  const found = signs
    .map(({ sign, weigh }) => ({ sign, weight: weigh(sample, lower) }))
    .filter(({ weight }) => weight > 0)
    .sort((left, right) => right.weight - left.weight);
  const sum = found.reduce((total, { weight }) => total + weight, 0);
  return { score: Math.min(1, Math.round(sum * 1_000) / 1_000), signs: found };
}

interface Sign {
  readonly sign: string;
  weigh(text: string, lower: string): number;
}

// The weights were fitted by hand to the labelled prompts beside this file; the thresholds are the configuration's.
const signs: readonly Sign[] = [
  { sign: "length", weigh: (text) => Math.min(0.34, Math.log2(1 + textLength(text) / 40) * 0.11) },
  // Something is to be made: text, code, a list. One such word is ordinary work.
  { sign: "a task", weigh: (_, lower) => Math.min(0.27, matches(lower, taskWords) * 0.27) },
  // Something is to be thought through. Each further kind of thinking is harder than the first.
  { sign: "reasoning", weigh: (_, lower) => Math.min(0.6, matches(lower, reasoningWords) * 0.17) },
  { sign: "proof", weigh: (_, lower) => Math.min(0.3, matches(lower, proofWords) * 0.3) },
  { sign: "explanation", weigh: (_, lower) => Math.min(0.28, matches(lower, explanationWords) * 0.28) },
  { sign: "code", weigh: (text) => (codeLike.test(text) ? 0.22 : 0) },
  { sign: "error output", weigh: (text) => (errorOutput.test(text) ? 0.22 : 0) },
  { sign: "mathematics", weigh: (text) => (mathematics.test(text) ? 0.14 : 0) },
  { sign: "several lines", weigh: (text) => Math.min(0.1, (text.split("\n").length - 1) * 0.03) },
  { sign: "several parts", weigh: (text) => Math.min(0.14, Math.max(0, separators(text) - 2) * 0.035) },
];

/** A character of a script without spaces says about as much as three of ours. */
function textLength(text: string): number {
  return text.length + 2 * (text.match(dense)?.length ?? 0);
}

const dense = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu;

/** How many different words of the list stand in the text. */
function matches(lower: string, words: readonly RegExp[]): number {
  return words.reduce((count, word) => count + (word.test(lower) ? 1 : 0), 0);
}

function separators(text: string): number {
  return text.match(/[,;:,、;]|\band\b|\bund\b|\by\b|\bet\b/g)?.length ?? 0;
}

const codeLike = /```|[;{}]\s*\n|=>|\bfunction\s*\(|\bSELECT\b.*\bFROM\b|\$\(|\bimport\s+\w+|#include/s;
const errorOutput = /Traceback|\bat \S+ ?\(.*:\d+|Exception\b|\bERROR\b|Error: |panic:|segfault|stack trace/;
const mathematics = /[a-z0-9)]\s*\^\s*[({a-z0-9]|\b[a-z]\s*=\s*\d*[a-z]|\\frac|∑|∫|√|\bO\([^)]*\)/i;

// Beginnings of words, so that forms of one word count as one. A list per language that the corpus holds.
const taskWords: readonly RegExp[] = [
  /\b(write|draft|make|turn|give me|suggest|recommend|plan|rewrite|proofread|summari[sz]e|translate this|create|build|develop|prepare|implement)\b/,
  /\b(schreib|erstelle|fasse|mach|entwirf|plane|empfiehl|übersetze)/,
  /\b(escribe|redacta|haz|resume|crea|sugiere|diseña)/,
  /(^|[^\p{L}])(écris|rédige|résume|propose|crée)/u,
  /写|制定|设计|作って|書いて|教えて|翻译/,
  /(^|[^\p{L}])(напиши|составь|сделай|переведи)/u,
];
const explanationWords: readonly RegExp[] = [
  /\b(explain|how (do|does|can|to)|what (is|are) (the difference|a good|the pros|the differences|good)|what (should|can|does this)|which (of|is better|houseplants|documents|are)|pros and cons|why)\b/,
  /(^|[^\p{L}])(erklär|was kann|wie funktioniert|warum|unterschied)/u,
  /(^|[^\p{L}])(explica|cómo funciona|por qué)/u,
  /(^|[^\p{L}])(explique|pourquoi|différence)/u,
  /解释|説明|为什么|なぜ/,
  /(^|[^\p{L}])(объясни|почему)/u,
];
const proofWords: readonly RegExp[] = [
  /\b(prove|proof|proofs|derive|induction|theorem|theorems)\b|beweis|доказ|докажи|证明|démontr|demuestra/,
];
const reasoningWords: readonly RegExp[] = [
  /\b(analy[sz]e|analysis|investigate|root cause|diagnose)\b|analysier|analiza|分析|проанализ/,
  /\b(compare|comparison|evaluate|weigh|versus|trade-?offs?)\b|vergleich|abwäg|比较|权衡|сравни|évalue/,
  /\b(design|architect|specification|architecture|schema)\b|architektur|arquitectura|设计|спроектир/,
  /\b(refactor|debug|optimi[sz]e|find the bug|thread safe|complexity|implement)\b|refaktor|optimier/,
  /\b(justify|justification|reasoned|argue|argues|critically|reasoning behind|every decision|with reasons|reason carefully)\b|begründ|justifi|论证|обоснуй/,
  /\b(step by step|in detail|detailed|full specification|complete)\b|schritt für schritt|ausführlich|détaillé|detallad|каждый шаг/,
  /\b(strategy|forecast|risks?|migration|assumptions|hypothes[ei]s|budget|curriculum|threat model|literature review|essay|proposal)\b|risiken|kosten|riesgos|costes|风险|故障/,
  /\b(scale[sd]?|sharding|consistency|failure modes|concurrency|distributed|fault tolerant|guarantees|without downtime|back-pressure)\b|一致性|分片/,
];
