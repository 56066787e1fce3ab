/** Owns the job field `review`: whether what a job came to is judged before the job counts as completed, by whom, how often. */
import { z } from 'zod';

/** `parent`: the pod that started it; people where there is none. */
export const REVIEWERS = ['parent', 'people'] as const;
const DEFAULT_ROUNDS = 3;
const MAX_ROUNDS = 20;

export const reviewSchema = z
  .union(
    [
      z.literal('required'),
      z.strictObject({
        by: z
          .enum(REVIEWERS)
          .default('parent')
          .describe('Who is asked: the parent pod, and people where there is none; or always people.'),
        rounds: z
          .int()
          .min(1)
          .max(MAX_ROUNDS)
          .default(DEFAULT_ROUNDS)
          .describe('How often it may be asked for; a job that is rejected in the last round fails.'),
      }),
    ],
    { error: 'must be required, or { by, rounds }' },
  )
  .describe('What it came to must be accepted before the job is completed, see docs/review.md.');

export interface ReviewWish {
  readonly by: (typeof REVIEWERS)[number];
  readonly rounds: number;
}

export const reviewWish = (field: z.output<typeof reviewSchema> | undefined): ReviewWish | undefined =>
  field === 'required' ? { by: 'parent', rounds: DEFAULT_ROUNDS } : field;
