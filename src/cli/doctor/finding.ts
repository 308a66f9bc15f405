/** One thing that `doctor` found. */
export interface Finding {
  readonly check: string;
  readonly verdict: "good" | "weak" | "bad";
  readonly text: string;
  /** What to do about it; null where nothing is to be done. */
  readonly remedy: string | null;
}
