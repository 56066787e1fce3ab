/** Owns what a job is told that was rejected in review, and is done again. */
import { z } from 'zod';

export const rejectionSchema = z.object({
  /** The round that was rejected. */
  round: z.int().min(1),
  reason: z.string(),
});
export type Rejection = z.infer<typeof rejectionSchema>;

/** By the input of this name a job is told why, where it has one of type string. */
export const REASON_INPUT = 'review_reason';
