/** Owns what the launch spec says of a pod that runs no job of the queue. */
export const OWN_POD = { lease: null, standing: null, root: null, attempts: null } as const;

/** What a job of the queue is given with. */
export type GivenKey = keyof typeof OWN_POD;
