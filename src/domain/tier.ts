/** How strong a model has to be for a question, from least to most. */
export const tiers = ["fast", "balanced", "capable"] as const;
export type Tier = (typeof tiers)[number];
