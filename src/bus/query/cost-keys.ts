/** Owns by what costs are added up. */

export const COST_KEYS = ['job', 'domain', 'agent', 'model', 'pod', 'day', 'project'] as const;
export type CostKey = (typeof COST_KEYS)[number];
