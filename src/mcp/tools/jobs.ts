/** Owns the tool `jobs`: what can be started, and with which inputs. */
import { z } from 'zod';
import type { Job, JobInput } from '../../config/job/job.ts';
import { findJob, listJobs, type JobListing } from '../../config/job/job-files.ts';
import { clip, clipLine, clipList } from '../clip.ts';
import { createTool, said } from '../tool.ts';

const DESCRIPTION_MAX_CHARS = 120;
/** A longer one tells less than the description. */
const PATTERN_MAX_CHARS = 60;

const input = z.strictObject({
  name: z.string().min(1).max(100).optional().describe('One job, with all that is to be known of its inputs.'),
});

const limitsOf = ({ min, max, integer, enum: options, pattern }: JobInput): readonly string[] => [
  ...(integer === true ? ['whole'] : []),
  ...(min === undefined ? [] : [`from ${min}`]),
  ...(max === undefined ? [] : [`to ${max}`]),
  ...(options === undefined ? [] : [options.map((one) => JSON.stringify(one)).join('|')]),
  ...(pattern === undefined || pattern.length > PATTERN_MAX_CHARS ? [] : [`matches ${pattern}`]),
];

const shortInput = (name: string, { type, required, default: fallback }: JobInput): string => {
  const mark = required ? '' : '?';
  const value = fallback === undefined || fallback === '' ? '' : ` = ${clipLine(JSON.stringify(fallback), 30)}`;
  return `${name}${mark}: ${type}${value}`;
};

const signature = ({ name, inputs }: Job): string =>
  `${name}(${Object.entries(inputs)
    .map(([input, declared]) => shortInput(input, declared))
    .join(', ')})`;

const lineOf = ({ name, outcome }: JobListing): string =>
  outcome.ok
    ? `${signature(outcome.job)}: ${clipLine(outcome.job.description, DESCRIPTION_MAX_CHARS)}`
    : `${name}: cannot be started, its file has mistakes (nika job check ${name})`;

const inputLine = (name: string, declared: JobInput): string => {
  const { required, description } = declared;
  const limits = [...(required ? ['required'] : []), ...limitsOf(declared)].join(', ');
  const about = description === undefined ? '' : ` – ${clipLine(description, 300)}`;
  return `- ${shortInput(name, declared)}${limits === '' ? '' : ` (${limits})`}${about}`;
};

const describeJob = (job: Job): readonly string[] => [
  `${job.name}: ${job.description.trim()}`,
  Object.keys(job.inputs).length === 0 ? 'It has no inputs.' : 'Inputs:',
  ...Object.entries(job.inputs).map(([name, declared]) => inputLine(name, declared)),
  ...(job.outputs === undefined ? [] : [`Its result has: ${Object.keys(job.outputs).join(', ')}.`]),
];

export const jobs = createTool({
  name: 'jobs',
  title: 'Jobs that can be started',
  description: 'Lists the jobs that start_pod takes, with their inputs; with name: one in full.',
  isReadOnly: true,
  input,
  call: async ({ name }, { caller, openPlace }) => {
    const { home, settings } = await openPlace();
    const { maxAnswerChars: maxChars } = settings.mcp;
    if (name !== undefined) {
      const { job } = await findJob(home, name, caller.cwd);
      return said(clip(describeJob(job).join('\n'), maxChars));
    }
    const listings = (await listJobs(home)).filter(({ shadowedBy }) => shadowedBy === undefined);
    const lines = listings.toSorted((a, b) => Number(b.outcome.ok) - Number(a.outcome.ok)).map(lineOf);
    if (lines.length === 0) return said(`There are no jobs. They are files in ${home.configDir}/jobs.`);
    const rest = (count: number): string => `… and ${count} more; give a name to see one.`;
    return said(clipList({ lines, maxChars, rest }));
  },
});
