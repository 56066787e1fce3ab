/** Owns what a job wants of its agent, with no template left. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { renderTemplates } from '../config/expression/template.ts';
import { PERMISSIONS } from '../model/agent.ts';
import { errorMessage, NikaError } from '../model/error.ts';
import type { RunnerContext } from '../pod/runner/runner.ts';
import type { AgentWish } from './adapter.ts';

const optionalText = z
  .string()
  .optional()
  .transform((text) => (text === undefined || text.trim() === '' ? undefined : text));

const renderedSchema = z.object({
  prompt: z.union([optionalText, z.object({ file: z.string().min(1) })]),
  model: optionalText,
  permission: z.enum(PERMISSIONS).default('ask'),
  args: z.array(z.string()).default([]),
  max_turns: z.preprocess(
    (value) => (value === '' ? undefined : value),
    z.coerce.number().int().min(1).max(1_000_000).optional(),
  ),
  resume: optionalText,
});

const readPrompt = (file: string, dir: string): string => {
  const path = resolve(dir, file);
  try {
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    throw new NikaError('NIKA_JOB_INVALID', `prompt: ${path} cannot be read: ${errorMessage(thrown)}`, {
      subject: path,
    });
  }
};

/** Behind the prompt of a job that was rejected in review and is done again. */
const rejectionText = ({ NIKA_REVIEW_REASON: reason, NIKA_REVIEW_ROUND: round }: RunnerContext['env']): string =>
  reason === undefined
    ? ''
    : `\n\nThis was done before, and rejected in review; this is round ${round}. What was changed then is still there. Why it was rejected:\n\n${reason}\n`;

/** @throws {NikaError} `NIKA_JOB_INVALID`: what a template came to does not fit, or the prompt's file cannot be read. */
export const resolveWish = ({ job, scope, cwd, env }: RunnerContext): AgentWish => {
  const { prompt, model, permission, args, max_turns, resume } = job;
  const rendered = renderTemplates({ prompt, model, permission, args, max_turns, resume }, scope);
  const parsed = renderedSchema.safeParse(rendered);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const field = issue?.path.join('.') ?? '';
    throw new NikaError('NIKA_JOB_INVALID', `${field}: ${issue?.message ?? 'is wrong'}`, { subject: field });
  }
  const wish = parsed.data;
  const said = typeof wish.prompt === 'object' ? readPrompt(wish.prompt.file, scope.job.dir) : wish.prompt;
  const asked = said === undefined ? undefined : said + rejectionText(env);
  if (asked === undefined && job.interactive !== true) {
    throw new NikaError('NIKA_JOB_INVALID', 'prompt: is empty: there is nothing to ask the agent', {
      subject: 'prompt',
    });
  }
  return {
    prompt: job.interactive === true ? undefined : asked,
    model: wish.model,
    permission: wish.permission,
    args: job.interactive === true && asked !== undefined ? [...wish.args, asked] : wish.args,
    maxTurns: wish.max_turns,
    resume: wish.resume,
    cwd,
    env,
  };
};
