/** Owns the field of a job that gives its pod a git worktree of its own. */
import { z } from 'zod';
import type { Frozen } from '../frozen.ts';

/** When the worktree stays once the pod is over: always; where something was changed in it; never. */
export const KEEP_WORKTREE = ['always', 'changed', 'never'] as const;
export type KeepWorktree = (typeof KEEP_WORKTREE)[number];

const template = z.string().regex(/\$\{\{/, { abort: true });

const optionsSchema = z.strictObject({
  base: z
    .string()
    .max(1_000)
    .optional()
    .describe('The revision that it begins from; default, and where it is empty: HEAD where the job was started.'),
  branch: z
    .string()
    .max(1_000)
    .optional()
    .describe('Its branch, which must not exist; default, and where it is empty: nika/<job>-<short id>.'),
  keep: z
    .union([z.enum(KEEP_WORKTREE), template])
    .optional()
    .describe(
      'Whether worktree and branch stay at the end: always; changed (where something was committed, or is not); never (what was done is thrown away). Default: worktrees.keep of the settings.',
    ),
  path: z
    .string()
    .max(4_096)
    .optional()
    .describe('Its folder, which must not exist; default, and where it is empty: <worktrees.dir>/<id>.'),
});

export const worktreeSchema = z
  .union([z.boolean(), z.literal('parent'), template, optionsSchema], {
    error: 'must be true, false, parent, or an object with base, branch, keep, path',
  })
  .describe(
    'A git worktree and branch of its own, in which it runs: true, or how it is made; parent: that of the pod that started it.',
  );

export type WorktreeField = Frozen<z.output<typeof worktreeSchema>>;

/** What a command line says of it; `undefined` fields: as the job has them. */
export const worktreeOrderSchema = z.union([
  z.boolean(),
  z.object({ base: z.string().optional(), branch: z.string().optional() }),
]);
export type WorktreeOrder = z.output<typeof worktreeOrderSchema>;
