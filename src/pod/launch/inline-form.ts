/** Owns how a job travels without its file: in the form of a job file. Pure. */
import type { Job } from '../../config/job/job.ts';

/** As a job file would have it: what is there by default is left out. */
export const inlineForm = ({ steps, ...job }: Job): Record<string, unknown> =>
  structuredClone(steps.length === 0 ? job : { ...job, steps });
